//! The table itself. A line is: id, its former id in parentheses, the view in whose scope its keys count (none for anywhere;
//! `overlays` for over overlays too), keys, place in the footer, label, help, when it is possible, and what it does. Letters
//! that a pane's own scope has mean that there, and something else in the others.

use super::availability::*;
use super::{Action, ActionGroup, IntoEffects, KeyScope};
use crate::app::{App, Effect, ExportDestination, Pane};
use crate::views::surface::CellQuantity;
use crate::views::{help::HelpOverlay, image::ImageOverlay, log::LogOverlay, machine::MachineOverlay};
use crate::views::{models::ModelsOverlay, palette::PaletteOverlay};
use surfit_core::protocol::EngineCommand;
use surfit_core::surface::ParameterAxis;

/// A press of zoom shows this share of the loss curves that were shown.
const CURVE_ZOOM_FACTOR: f64 = 0.5;
/// A press of pan moves by this share of the loss curves that are shown.
const CURVE_PAN_FRACTION: f64 = 0.25;

macro_rules! scope {
    () => {
        KeyScope::Anywhere
    };
    ($scope:literal) => {
        KeyScope::View($scope)
    };
}

macro_rules! table {
    ($($group:ident {
        $($id:literal $(($former:literal))? $($scope:literal)? $($overlays:ident)? [$($key:literal),*] $footer:literal $label:literal $help:literal $when:expr =>
            |$app:ident| $run:expr;)*
    })*) => {
        /// Every action, group by group.
        pub const TABLE: &[Action] = &[$($(Action {
            id: $id,
            former_ids: &[$($former)?],
            scope: scope!($($scope)?),
            in_overlays: stringify!($($overlays)?).len() > 0,
            keys: &[$($key),*],
            group: ActionGroup::$group,
            label: $label,
            help: $help,
            footer: $footer,
            availability: $when,
            run: |$app| IntoEffects::into_effects($run),
        },)*)*];
    };
}

table! {
    Job {
        "start" ["s"] 3 "start" "start or resume the job, or fit a new surface" |app| job_idle(app, "the job is running") => |app| app.start_job();
        "start-corners" ["S"] 0 "corners" "train new corners, then fit" |app| job_idle(app, "the job is running; stop it first") => |app| app.start_corners();
        "pause" ["p", "space"] 4 "pause" "pause or resume" job_under_way => |app| app.toggle_pause();
        "stop" ["."] 5 "stop" "end this stage early and keep its result" job_under_way => |app| app.ask_stop();
        "fork" ["N"] 0 "fork" "fork this run at the planned degree" can_start_new_run => |app| app.request_new_run(false);
        "queue" ["Q"] 0 "queue" "queue a fit at the planned degree" can_start_new_run => |app| app.request_new_run(true);
        "cancel" overlays ["Z"] 2 "cancel" "cancel the running measurement, search or export" can_cancel => |app| app.send_command(EngineCommand::Cancel);
        "rate-up" ["; +"] 0 "rate +" "raise the learning rate; or type `rate 0.01`" engine_reachable => |app| app.change_rate(true);
        "rate-down" ["; -"] 0 "rate -" "lower the learning rate" engine_reachable => |app| app.change_rate(false);
        "more-draws" ["; >"] 0 "points +" "train at one point more per step; or type `draws 4`" engine_reachable => |app| app.change_draws(1);
        "fewer-draws" ["; <"] 0 "points -" "train at one point less per step" engine_reachable => |app| app.change_draws(-1);
        "checkpoint" ["c"] 14 "checkpoint" "write a checkpoint now" can_checkpoint => |app| app.write_checkpoint();
        "resume" overlays ["r"] 1 "resume" "restart the engine from the last checkpoint" can_resume_engine => |app| app.resume_engine();
    }
    Surface {
        "raise-u" ["u"] 7 "degree u" "plan a higher degree along u; enter applies it" |app| can_change_degree(app, ParameterAxis::U, 1) => |app| app.plan_degree(ParameterAxis::U, 1);
        "lower-u" ["U"] 0 "degree u-" "plan a lower degree along u; enter applies it" |app| can_change_degree(app, ParameterAxis::U, -1) => |app| app.plan_degree(ParameterAxis::U, -1);
        "raise-v" ["v"] 8 "degree v" "plan a higher degree along v; enter applies it" |app| can_change_degree(app, ParameterAxis::V, 1) => |app| app.plan_degree(ParameterAxis::V, 1);
        "lower-v" ["V"] 0 "degree v-" "plan a lower degree along v; enter applies it" |app| can_change_degree(app, ParameterAxis::V, -1) => |app| app.plan_degree(ParameterAxis::V, -1);
        "finer" ["]"] 10 "grid" "measure on a finer grid" can_refine_grid => |app| app.set_next_grid(App::next_finer_grid);
        "coarser" ["["] 0 "coarser" "measure on a coarser grid" can_coarsen_grid => |app| app.set_next_grid(App::next_coarser_grid);
        "freeze" "control points" ["f"] 2 "freeze" "freeze or unfreeze the selected control point" can_freeze => |app| app.toggle_frozen_point();
        "measure-distances" ["; d"] 0 "measure dist" "measure the distances between all control points" surface_ready => |app| app.measure_distances();
        "measure" ["H"] 0 "measure" "measure the whole heatmap on every validation image" can_measure_heatmap => |app| app.send_command(EngineCommand::Measure);
    }
    Models {
        "next-best" ["n", "g b"] 9 "next best" "move the cursor to the best cell, then the next best" cells_measured => |app| app.move_to_next_best();
        "mark" ["m"] 15 "mark" "bookmark the point under the cursor, or remove its bookmark" surface_ready => |app| app.mark_cursor();
        "evaluate" ["e"] 11 "evaluate" "measure this point on every validation image" surface_ready => |app| app.evaluate_cursor();
        "search" ["; s"] 0 "search" "search for a better point near the cursor" surface_ready => |app| app.search_near(App::DEFAULT_SEARCH_RADIUS, App::DEFAULT_SEARCH_BUDGET);
        "measure-marks" ["; m"] 0 "ensemble" "measure the ensemble of the bookmarked points" surface_ready => |app| app.measure_marks();
        "export-marks" ["; x"] 0 "export marks" "export the ensemble of the bookmarked points" surface_ready => |app| app.export_marks();
        "export-ensemble" ["; e"] 0 "ensemble" "select and export an ensemble of 4; or type `ensemble 6`" can_export_best => |app| app.export_ensemble_of(App::DEFAULT_ENSEMBLE_SIZE);
        "export-best" ["x"] 6 "export best" "export the best model and measure it on the test split" can_export_best => |app| app.export_best();
        "export-cursor" ["X"] 12 "export here" "export the model under the cursor" surface_ready => |app| app.export_cursor();
        "export-centroid" ["C"] 0 "centroid" "export the mean of the surface" surface_ready => |app| app.export_centroid();
        "export-names" ["; n"] 0 "names" "name exported tensors as in corner 1's file, or as surfit does" surface_ready => |app| app.toggle_export_names();
        "models" overlays ["w", "g w"] 13 "models" "list corners, bookmarks and exports with their accuracies" always => |app| app.toggle_overlay(ModelsOverlay::default());
        "sort-models" "models" ["s"] 0 "sort" "sort models by date, validation, test or place" |app| overlay_open(app, "models") => |app| app.models.sort = app.models.sort.next();
        "copy" overlays ["y"] 0 "copy" "copy u,v of the cursor, or the folder of the listed model" always => |app| app.copy_point_or_model();
        "copy-menu" overlays ["Y"] 0 "copy more" "copy values, a table, a path or a shell command" always => |app| app.open_export_dialog(ExportDestination::Clipboard);
        "write" overlays ["W"] 0 "save" "save the focused view as CSV, TSV, JSON, PNG or SVG" always => |app| app.open_export_dialog(ExportDestination::File);
        "figures" ["F"] 0 "plots" "save the plots of the curves and the heatmap" can_write_plots => |app| app.write_figures();
    }
    Move {
        "focus-loss" ["1", "g l"] 0 "loss" "focus the loss curves" always => |app| app.focus_pane(Pane::Loss);
        "focus-surface" ["2", "g s"] 0 "surface" "focus the surface" always => |app| app.focus_pane(Pane::Surface);
        "focus-points" ["3", "g p"] 0 "points" "focus the control points" always => |app| app.focus_pane(Pane::Points);
        "next-pane" ["tab"] 16 "next pane" "focus the next pane" always => |app| app.focus_pane(app.focus.next());
        "previous-pane" ["shift-tab"] 0 "last pane" "focus the previous pane" always => |app| app.focus_pane(app.focus.previous());
        "zoom" ["z", "enter"] 10 "zoom" "zoom the pane to the whole screen, or back" always => |app| app.zoomed = !app.zoomed;
        "back" ["esc"] 0 "back" "close overlay / leave zoom / hide cursor" always => |app| app.step_back();
        "left" ["left", "h"] 0 "left" "move the cursor left" always => |app| app.move_cursor_by(-1, 0);
        "down" overlays ["down", "j"] 0 "down" "move the cursor down" always => |app| app.move_cursor_by(0, -1);
        "up" overlays ["up", "k"] 0 "up" "move the cursor up" always => |app| app.move_cursor_by(0, 1);
        "right" ["right", "l"] 0 "right" "move the cursor right" always => |app| app.move_cursor_by(1, 0);
        "first" overlays ["home", "g g"] 0 "first" "move the cursor to the first step or point" always => |app| app.move_cursor_to_end(-1);
        "last" overlays ["end", "G"] 0 "last" "move the cursor to the last step or point" always => |app| app.move_cursor_to_end(1);
    }
    Show {
        "metric" overlays ["M"] 18 "metric" "cycle the metric of the surface" always => |app| app.cycle_metric();
        "numbers" ["#"] 0 "values" "show the values in the cells" always => |app| app.surface.show_values = !app.surface.show_values;
        "slices" ["|"] 0 "slices" "cycle slices through the cursor: u and v, diagonal, none" always => |app| app.surface.slices = app.surface.slices.next();
        "gain" "surface" ["D"] 0 "vs corner" "show the difference to the best corner" always => |app| app.surface.toggle_quantity(CellQuantity::Gain);
        "confidence" "surface" ["I"] 0 "confidence" "show the width of the confidence intervals" always => |app| app.surface.toggle_quantity(CellQuantity::Width);
        "contours" "surface" ["O"] 0 "contours" "cycle contour lines: over the colours, alone, none" always => |app| app.surface.contours = app.surface.contours.next();
        "interpolate" "surface" ["E"] 0 "interpolate" "interpolate the colours between cells" always => |app| app.surface.interpolate = !app.surface.interpolate;
        "peaks" "surface" ["P"] 0 "peaks" "number the best distinct points" always => |app| app.surface.show_peaks = !app.surface.show_peaks;
        "relief" "surface" ["T"] 0 "3-D view" "show the surface in 3-D" always => |app| app.surface.show_relief = !app.surface.show_relief;
        "zoom-in" "surface" ["+"] 1 "zoom in" "zoom in at the cursor" cells_measured => |app| app.zoom_surface(0.5, None);
        "zoom-out" "surface" ["-"] 0 "zoom out" "zoom out" viewport_zoomed => |app| app.zoom_surface(2.0, None);
        "turn-left" "surface" ["<", "alt-left"] 0 "left" "turn the 3-D view left, or pan" can_turn_or_pan => |app| app.turn_or_pan(-1, 0);
        "turn-right" "surface" [">", "alt-right"] 0 "right" "turn the 3-D view right, or pan" can_turn_or_pan => |app| app.turn_or_pan(1, 0);
        "tilt-up" "surface" ["K", "alt-up"] 0 "up" "tilt the 3-D view up, or pan" can_turn_or_pan => |app| app.turn_or_pan(0, 1);
        "tilt-down" "surface" ["J", "alt-down"] 0 "down" "tilt the 3-D view down, or pan" can_turn_or_pan => |app| app.turn_or_pan(0, -1);
        "steeper" "surface" ["^"] 0 "steeper" "exaggerate heights in the 3-D view" relief_shown => |app| app.surface.camera.scale_height(1.25);
        "flatter" "surface" ["_"] 0 "flatter" "flatten heights in the 3-D view" relief_shown => |app| app.surface.camera.scale_height(0.8);
        "reset-view" "surface" ["0"] 0 "reset" "show the whole surface and reset the 3-D view" can_turn_or_pan => |app| app.reset_surface_view();
        "beside" "surface" ["A"] 0 "compare" "compare with the surface before its degree changed" can_compare_surfaces => |app| app.toggle_comparison();
        "beside-run" "runs" ["b"] 0 "compare" "compare the surface with that of the selected run" always => |app| app.compare_selected_surface();
        "log-axis" ["L"] 17 "log axis" "toggle the logarithmic loss axis" always => |app| app.loss.log = !app.loss.log;
        "recent" ["R"] 0 "recent" "show all of the loss curve, or its recent part" always => |app| app.loss.toggle_recent();
        "smooth" ["a"] 0 "smooth" "show the smoothed loss curve" always => |app| app.loss.smooth = !app.loss.smooth;
        "corner-curves" ["b"] 0 "corners" "show the loss curves of the corners" always => |app| app.loss.show_corners = !app.loss.show_corners;
        "distances" "control points" ["D"] 0 "distances" "show the distances between the control points" always => |app| app.toggle_distances();
        "point-figure" "control points" ["T"] 3 "tile metric" "cycle tile metric: distance, accuracy, gradient" always => |app| app.points.figure = app.points.figure.next();
        "loss-zoom-in" "loss" ["+", "="] 1 "zoom in" "zoom in at the cursor (or the latest step)" loss_curve_ready => |app| app.loss.zoom_by(&app.run_state, CURVE_ZOOM_FACTOR, None);
        "loss-zoom-out" "loss" ["-"] 0 "zoom out" "zoom out" loss_curve_ready => |app| app.loss.zoom_by(&app.run_state, 1.0 / CURVE_ZOOM_FACTOR, None);
        "loss-zoom-all" "loss" ["0"] 0 "whole curve" "show the whole curve" loss_curve_ready => |app| app.loss.reset_zoom();
        "loss-pan-left" "loss" ["<", ","] 0 "earlier" "pan to earlier steps" can_pan_curves => |app| app.loss.pan_by(&app.run_state, -CURVE_PAN_FRACTION);
        "loss-pan-right" "loss" [">"] 0 "later" "pan to later steps" can_pan_curves => |app| app.loss.pan_by(&app.run_state, CURVE_PAN_FRACTION);
        "loss-x-axis" "loss" ["T"] 3 "time axis" "plot losses over steps, or over time" loss_curve_ready => |app| app.loss.toggle_time(&app.run_state);
        "loss-smoother" "loss" ["}"] 2 "smoother" "smooth the loss curve more" loss_curve_ready => |app| app.loss.adjust_smoothing(1);
        "loss-rougher" "loss" ["{"] 0 "rougher" "smooth the loss curve less" loss_curve_ready => |app| app.loss.adjust_smoothing(-1);
        "loss-rate" "loss" ["E"] 4 "rate" "show the learning rate below the losses" loss_curve_ready => |app| app.loss.show_learning_rate = !app.loss.show_learning_rate;
        "loss-overlay" "runs" ["c"] 1 "compare" "overlay the loss curve of the selected run" always => |app| app.toggle_curve_comparison();
        "wider" ["ctrl-right", "ctrl-w >"] 0 "wider" "make the pane wider" several_panes_shown => |app| app.resize_pane(4, 0);
        "narrower" ["ctrl-left", "ctrl-w <"] 0 "narrower" "make the pane narrower" several_panes_shown => |app| app.resize_pane(-4, 0);
        "taller" ["ctrl-down", "ctrl-w +"] 0 "taller" "make the pane taller" several_panes_shown => |app| app.resize_pane(0, 2);
        "shorter" ["ctrl-up", "ctrl-w -"] 0 "shorter" "make the pane shorter" several_panes_shown => |app| app.resize_pane(0, -2);
        "arrange" ["\\", "ctrl-w ctrl-w"] 0 "arrange" "cycle the arrangement of the panes" several_panes_shown => |app| app.cycle_arrangement();
        "reset-panes" ["ctrl-w ="] 0 "reset sizes" "reset the sizes of the panes" several_panes_shown => |app| app.arrangement.reset_borders();
        "lists" ["&"] 0 "lists" "show models and log beside the panes, on wide screens" always => |app| app.sidebar_shown = !app.sidebar_shown;
        "theme" overlays ["t"] 19 "theme" "next colour theme" always => |app| app.cycle_theme();
        "themes" overlays ["g t"] 0 "themes" "choose a colour theme with preview" always => |app| app.toggle_themes();
    }
    Program {
        "help" overlays ["?", "f1"] 1 "help" "show all keys and what is available now" always => |app| app.toggle_overlay(HelpOverlay::default());
        "search-help" "help" ["/"] 0 "search" "show only the keys with a text" |app| overlay_open(app, "help") => |app| app.open_search();
        "palette" overlays [":", "ctrl-p"] 20 "palette" "command palette: find an action, or type `degree 3 4`" always => |app| app.toggle_overlay(PaletteOverlay::default());
        "log" overlays ["i", "g i"] 21 "log" "show the log" always => |app| app.toggle_overlay(LogOverlay::default());
        "search-log" "log" ["/"] 0 "search" "show only the lines of the log with a text" |app| overlay_open(app, "log") => |app| app.open_search();
        "log-topic" "log" ["t"] 0 "topic" "filter by topic: errors, job, corners, models" |app| overlay_open(app, "log") => |app| app.edit_view(LogOverlay::next_topic);
        "log-times" "log" ["T"] 0 "times" "show the time of day, or since the start of the run" |app| overlay_open(app, "log") => |app| app.log.absolute_time = !app.log.absolute_time;
        "system" ("machine") overlays ["I", "g m"] 0 "system" "show processor, memory, speed and time left" always => |app| app.toggle_overlay(MachineOverlay::default());
        "runs" overlays ["o", "g o"] 22 "runs" "list runs and open one" always => |app| app.toggle_run_list();
        "image" ("picture") overlays ["g f"] 0 "image" "show the focused pane as an image, if supported" always => |app| app.toggle_overlay(ImageOverlay::of_focus(app));
        "next-image" ("next-picture") "image" ["tab", "n"] 0 "next" "show the next image" |app| overlay_open(app, "image") => |app| app.edit_view(ImageOverlay::next_subject);
        "filter-runs" "runs" ["/"] 0 "filter" "filter runs: `degree:3 acc>0.9 net:resnet18 state:failed`" |app| overlay_open(app, "runs") => |app| app.open_search();
        "compare-run" "runs" ["C"] 0 "values" "compare metrics with another run" |app| overlay_open(app, "runs") => |app| app.toggle_pinned_run();
        "resume-run" "runs" ["r"] 0 "resume" "open the run and resume it from its last checkpoint" |app| selected_run_idle(app, "its engine is running; press enter to open it") => |app| app.resume_run();
        "remove-run" "runs" ["delete"] 0 "remove" "delete the run directory; asks first" |app| selected_run_idle(app, "its engine is running; stop it first") => |app| app.ask_remove();
        "redraw" overlays ["ctrl-l"] 0 "redraw" "redraw the screen" always => |_app| vec![Effect::Redraw];
        "detach" overlays ["d"] 2 "detach" "quit; the engine keeps running, reopen with `surfit open`" always => |app| app.detach();
        "suspend" overlays ["ctrl-z"] 0 "suspend" "suspend to the shell; `fg` returns" always => |_app| vec![Effect::Suspend];
        "quit" overlays ["q", "ctrl-c"] 2 "quit" "quit; asks first while work is running" always => |app| app.quit();
    }
}
