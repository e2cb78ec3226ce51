//! The table itself. A line is: id, the view in whose scope its keys count (none for anywhere; `overlays` for over overlays too), keys,
//! place in the footer, label, help, when it is possible, and what it does. Letters that a pane's own scope has mean that
//! there, and something else in the others.

use super::availability::*;
use super::{Action, ActionGroup, IntoEffects, KeyScope};
use crate::app::{App, Effect, Pane};
use crate::views::surface::{CellQuantity, RangeChange};
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
        $($id:literal $($scope:literal)? $($overlays:ident)? [$($key:literal),*] $footer:literal $label:literal $help:literal $when:expr =>
            |$app:ident| $run:expr;)*
    })*) => {
        /// Every action, group by group.
        pub const TABLE: &[Action] = &[$($(Action {
            id: $id,
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
        "start" ["s"] 3 "start" "start the job, go on with it, or fit a new surface" can_start_job => |app| app.start_job();
        "start-corners" ["S"] 0 "corners" "train new corners and go on from there" can_start_corners => |app| app.start_corners();
        "pause" ["p", "space"] 4 "pause" "stand still, or go on after that" can_pause => |app| app.toggle_pause();
        "stop" ["."] 5 "stop" "end the present stage early and keep what was reached" can_stop => |app| app.ask_stop();
        "fork" ["N"] 0 "fork" "a new run from here with the planned degree, beside this one" can_start_new_run => |app| app.request_new_run(false);
        "queue" ["Q"] 0 "queue" "the planned degree in the queue, when this run has ended" can_start_new_run => |app| app.request_new_run(true);
        "cancel" overlays ["Z"] 2 "give up" "give up a measurement, search, export or the heatmap" can_cancel => |app| app.send_command(EngineCommand::Cancel);
        "rate-up" ["; +"] 0 "rate +" "a higher learning rate from the next step on; `rate 0.01`" engine_reachable => |app| app.change_rate(true);
        "rate-down" ["; -"] 0 "rate -" "a lower learning rate from the next step on" engine_reachable => |app| app.change_rate(false);
        "more-draws" ["; >"] 0 "draws +" "one more surface point a step; `draws 4`" engine_reachable => |app| app.change_draws(1);
        "fewer-draws" ["; <"] 0 "draws -" "one surface point a step fewer" engine_reachable => |app| app.change_draws(-1);
        "checkpoint" ["c"] 14 "checkpoint" "make the present state durable now" can_checkpoint => |app| app.write_checkpoint();
        "resume" overlays ["r"] 1 "resume" "start the engine again from the last checkpoint" can_resume_engine => |app| app.resume_engine();
    }
    Surface {
        "raise-u" ["u"] 7 "degree u" "plan a higher degree along u; enter makes it so" can_raise_u => |app| app.plan_degree(ParameterAxis::U, 1);
        "lower-u" ["U"] 0 "degree u-" "plan a lower degree along u; enter makes it so" can_lower_u => |app| app.plan_degree(ParameterAxis::U, -1);
        "raise-v" ["v"] 8 "degree v" "plan a higher degree along v; enter makes it so" can_raise_v => |app| app.plan_degree(ParameterAxis::V, 1);
        "lower-v" ["V"] 0 "degree v-" "plan a lower degree along v; enter makes it so" can_lower_v => |app| app.plan_degree(ParameterAxis::V, -1);
        "finer" ["]"] 10 "grid" "measure on a finer grid" can_refine_grid => |app| app.set_next_grid(App::next_finer_grid);
        "coarser" ["["] 0 "coarser" "measure on a coarser grid" can_coarsen_grid => |app| app.set_next_grid(App::next_coarser_grid);
        "freeze" "control points" ["f"] 2 "freeze" "hold the chosen control point still, or let it train again" can_freeze => |app| app.toggle_frozen_point();
        "measure-distances" ["; d"] 0 "measure dist" "measure the distances between all control points" surface_ready => |app| app.measure_distances();
        "measure" ["H"] 0 "measure" "measure the whole heatmap now, on every validation image" can_measure_heatmap => |app| app.send_command(EngineCommand::Measure);
    }
    Models {
        "next-best" ["n", "g b"] 9 "next best" "move the cursor to the best cell, then the next best" cells_measured => |app| app.move_to_next_best();
        "mark" ["m"] 15 "mark" "mark the point under the cursor, or take its mark away" surface_ready => |app| app.mark_cursor();
        "evaluate" ["e"] 11 "evaluate" "measure exactly here, on every validation image" surface_ready => |app| app.evaluate_cursor();
        "search" ["; s"] 0 "search" "look for a better point near the cursor, off the grid" surface_ready => |app| app.search_at_cursor();
        "measure-marks" ["; m"] 0 "ensemble" "measure the ensemble of the marked points on validation" surface_ready => |app| app.measure_marks();
        "export-marks" ["; x"] 0 "export marks" "write the ensemble of the marked points" surface_ready => |app| app.export_marks();
        "export-ensemble" ["; e"] 0 "ensemble" "choose and write an ensemble of four; `ensemble 6`" can_export_best => |app| app.export_ensemble();
        "export-best" ["x"] 6 "export best" "write the best model by accuracy, with its test accuracy" can_export_best => |app| app.export_best();
        "export-cursor" ["X"] 12 "export here" "write the model under the cursor" surface_ready => |app| app.export_cursor();
        "export-centroid" ["C"] 0 "centroid" "write the mean of the whole surface as a model" surface_ready => |app| app.export_centroid();
        "export-names" ["; n"] 0 "names" "exports get the tensor names of corner 1's file, or surfit's" surface_ready => |app| app.toggle_export_names();
        "models" overlays ["w", "g w"] 13 "models" "corners and models written, with their accuracies" always => |app| app.toggle_overlay(ModelsOverlay::default());
        "sort-models" "models" ["s"] 0 "sort" "sort models: latest, by validation, by test, by place" always => |app| app.models.sort = app.models.sort.next();
        "copy" overlays ["y"] 0 "copy" "copy the cursor's u,v, or a model's folder from the list" always => |app| app.copy_point_or_model();
        "copy-menu" overlays ["Y"] 0 "copy what" "choose what to copy: figures, paths, a table, a command line" always => |app| app.open_copy_menu();
        "write" overlays ["W"] 0 "write file" "write what is shown here into a file: CSV, JSON, PNG, SVG" always => |app| app.open_file_menu();
        "figures" ["F"] 0 "figures" "write the curves and the heatmap as figures" can_write_plots => |app| app.write_figures();
    }
    Move {
        "focus-loss" ["1", "g l"] 0 "loss" "go to the loss curves" always => |app| app.focus_pane(Pane::Loss);
        "focus-surface" ["2", "g s"] 0 "surface" "go to the surface" always => |app| app.focus_pane(Pane::Surface);
        "focus-points" ["3", "g p"] 0 "points" "go to the control points" always => |app| app.focus_pane(Pane::Points);
        "next-pane" ["tab"] 16 "next pane" "go to the next pane" always => |app| app.focus_pane(app.focus.next());
        "previous-pane" ["shift-tab"] 0 "last pane" "go to the pane before" always => |app| app.focus_pane(app.focus.previous());
        "zoom" ["z", "enter"] 10 "zoom" "give the pane the whole screen, or back" always => |app| app.zoomed = !app.zoomed;
        "back" ["esc"] 0 "back" "close what is open; leave zoom; take the cursor away" always => |app| app.step_back();
        "left" ["left", "h"] 0 "left" "move the cursor" always => |app| app.move_cursor_by(-1, 0);
        "down" overlays ["down", "j"] 0 "down" "move the cursor" always => |app| app.move_cursor_by(0, -1);
        "up" overlays ["up", "k"] 0 "up" "move the cursor" always => |app| app.move_cursor_by(0, 1);
        "right" ["right", "l"] 0 "right" "move the cursor" always => |app| app.move_cursor_by(1, 0);
        "first" overlays ["home", "g g"] 0 "first" "move the cursor to the first corner, step or point" always => |app| app.move_cursor_to_end(-1);
        "last" overlays ["end", "G"] 0 "last" "move the cursor to the last corner, step or point" always => |app| app.move_cursor_to_end(1);
    }
    Show {
        "metric" overlays ["M"] 18 "metric" "accuracy or loss on the surface" always => |app| app.cycle_metric();
        "numbers" ["#"] 0 "numbers" "write the figures into the cells, where they fit" always => |app| app.surface.show_values = !app.surface.show_values;
        "slices" ["|"] 0 "slices" "slices through the cursor: along u and v, diagonal, or none" always => |app| app.surface.slices = app.surface.slices.next();
        "gain" "surface" ["D"] 0 "vs corner" "how much better than the best corner every cell is" always => |app| app.surface.toggle_quantity(CellQuantity::Gain);
        "confidence" "surface" ["I"] 0 "confidence" "how wide the confidence interval of every cell is" always => |app| app.surface.toggle_quantity(CellQuantity::Width);
        "contours" "surface" ["O"] 0 "contours" "contour lines over the colours, in their place, or none" always => |app| app.surface.contours = app.surface.contours.next();
        "interpolate" "surface" ["E"] 0 "interpolate" "colours between the cells, or every cell as measured" always => |app| app.surface.interpolate = !app.surface.interpolate;
        "peaks" "surface" ["P"] 0 "peaks" "number the best points that are not neighbours" always => |app| app.surface.show_peaks = !app.surface.show_peaks;
        "relief" "surface" ["T"] 0 "3-D" "the surface in three dimensions; a curve as a line" always => |app| app.surface.show_relief = !app.surface.show_relief;
        "zoom-in" "surface" ["+"] 1 "zoom in" "show less of u and v, about the cursor" cells_measured => |app| app.zoom_surface(0.5, None);
        "zoom-out" "surface" ["-"] 0 "zoom out" "show more of u and v" viewport_zoomed => |app| app.zoom_surface(2.0, None);
        "turn-left" "surface" ["<", "alt-left"] 0 "left" "turn the surface in 3-D; flat, move the part shown" can_turn_or_pan => |app| app.turn_or_pan(-1, 0);
        "turn-right" "surface" [">", "alt-right"] 0 "right" "turn it the other way; flat, move the part shown" can_turn_or_pan => |app| app.turn_or_pan(1, 0);
        "tilt-up" "surface" ["K", "alt-up"] 0 "up" "look from higher up in 3-D; flat, move the part shown" can_turn_or_pan => |app| app.turn_or_pan(0, 1);
        "tilt-down" "surface" ["J", "alt-down"] 0 "down" "look from lower down in 3-D; flat, move the part shown" can_turn_or_pan => |app| app.turn_or_pan(0, -1);
        "steeper" "surface" ["^"] 0 "steeper" "draw heights steeper" relief_shown => |app| app.surface.camera.scale_height(1.25);
        "flatter" "surface" ["_"] 0 "flatter" "draw heights flatter" relief_shown => |app| app.surface.camera.scale_height(0.8);
        "reset-view" "surface" ["0"] 0 "whole" "the whole surface again, in 3-D as seen at first" can_turn_or_pan => |app| app.reset_surface_view();
        "blocks" "surface" ["B"] 0 "blocks" "finer block characters, where the font has them, or lines" always => |app| app.cycle_block_set();
        "beside" "surface" ["A"] 0 "beside" "beside it the surface before its degree changed, or not" can_compare_surfaces => |app| app.toggle_comparison();
        "beside-run" "runs" ["b"] 0 "beside" "show the chosen run's surface beside this one's" always => |app| app.compare_selected_surface();
        "range-narrow" "surface" [")"] 0 "narrower" "colours for a narrower range of values" cells_measured => |app| app.surface.adjust_range(&app.run_state, RangeChange::Narrow);
        "range-widen" "surface" ["("] 0 "wider" "colours for a wider range of values" cells_measured => |app| app.surface.adjust_range(&app.run_state, RangeChange::Widen);
        "range-raise" "surface" ["}"] 0 "range up" "colours for higher values" cells_measured => |app| app.surface.adjust_range(&app.run_state, RangeChange::Raise);
        "range-lower" "surface" ["{"] 0 "range down" "colours for lower values" cells_measured => |app| app.surface.adjust_range(&app.run_state, RangeChange::Lower);
        "range-auto" "surface" ["="] 0 "auto range" "colours for the values there are" always => |app| app.surface.fixed_range = None;
        "log-axis" ["L"] 17 "log axis" "linear or logarithmic loss axis" always => |app| app.loss.log = !app.loss.log;
        "recent" ["R"] 0 "recent" "all of the loss curve, or its recent part" always => |app| app.loss.toggle_recent();
        "smooth" ["a"] 0 "smooth" "the smoothed loss curve over the raw one" always => |app| app.loss.smooth = !app.loss.smooth;
        "corner-curves" ["b"] 0 "corners" "the corners' loss curves beside that of the surface" always => |app| app.loss.show_corners = !app.loss.show_corners;
        "distances" "control points" ["D"] 0 "distances" "how far the control points lie from each other" always => |app| app.toggle_distances();
        "point-figure" "control points" ["T"] 3 "figure" "tiles tell the way travelled, the accuracy or the gradient" always => |app| app.points.figure = app.points.figure.next();
        "loss-zoom-in" "loss" ["+", "="] 1 "zoom in" "zoom in, about the cursor or the news" loss_curve_ready => |app| app.loss.zoom_by(&app.run_state, CURVE_ZOOM_FACTOR, None);
        "loss-zoom-out" "loss" ["-"] 0 "zoom out" "zoom out" loss_curve_ready => |app| app.loss.zoom_by(&app.run_state, 1.0 / CURVE_ZOOM_FACTOR, None);
        "loss-zoom-all" "loss" ["0"] 0 "whole curve" "the whole curve again" loss_curve_ready => |app| app.loss.reset_zoom();
        "loss-pan-left" "loss" ["<", ","] 0 "earlier" "move what is shown to earlier steps" can_pan_curves => |app| app.loss.pan_by(&app.run_state, -CURVE_PAN_FRACTION);
        "loss-pan-right" "loss" [">"] 0 "later" "move what is shown to later steps" can_pan_curves => |app| app.loss.pan_by(&app.run_state, CURVE_PAN_FRACTION);
        "loss-x-axis" "loss" ["T"] 3 "time axis" "losses over steps, or over time at work" loss_curve_ready => |app| app.loss.toggle_time(&app.run_state);
        "loss-smoother" "loss" ["}"] 2 "smoother" "smooth the loss curve more" loss_curve_ready => |app| app.loss.adjust_smoothing(1);
        "loss-rougher" "loss" ["{"] 0 "rougher" "smooth the loss curve less, at last not at all" loss_curve_ready => |app| app.loss.adjust_smoothing(-1);
        "loss-rate" "loss" ["E"] 4 "rate" "the learning rate below the losses" loss_curve_ready => |app| app.loss.show_learning_rate = !app.loss.show_learning_rate;
        "loss-overlay" "runs" ["c"] 1 "compare" "compare losses: lay the chosen run's curve over this one's" always => |app| app.toggle_curve_comparison();
        "wider" ["ctrl-right", "ctrl-w >"] 0 "wider" "make the pane wider" several_panes_shown => |app| app.resize_pane(4, 0);
        "narrower" ["ctrl-left", "ctrl-w <"] 0 "narrower" "make the pane narrower" several_panes_shown => |app| app.resize_pane(-4, 0);
        "taller" ["ctrl-down", "ctrl-w +"] 0 "taller" "make the pane taller" several_panes_shown => |app| app.resize_pane(0, 2);
        "shorter" ["ctrl-up", "ctrl-w -"] 0 "shorter" "make the pane shorter" several_panes_shown => |app| app.resize_pane(0, -2);
        "arrange" ["\\", "ctrl-w ctrl-w"] 0 "arrange" "surface large, loss large, or all three beside each other" several_panes_shown => |app| app.cycle_arrangement();
        "reset-panes" ["ctrl-w ="] 0 "usual sizes" "the usual sizes of the panes again" several_panes_shown => |app| app.arrangement.reset_borders();
        "lists" ["&"] 0 "lists" "models and log beside the panes, where there is room" always => |app| app.sidebar_shown = !app.sidebar_shown;
        "theme" overlays ["t"] 19 "theme" "the next colour theme" always => |app| app.cycle_theme();
        "themes" overlays ["g t"] 0 "themes" "the colour themes: the screen shows each as you go to it" always => |app| app.toggle_themes();
    }
    Program {
        "help" overlays ["?", "f1"] 1 "help" "every key, and what is possible now" always => |app| app.toggle_overlay(HelpOverlay::default());
        "search-help" "help" ["/"] 0 "search" "only keys about some words" always => |app| app.open_search();
        "next-help" "help" ["n"] 0 "next" "the next key that was found" always => |app| app.edit_view(|help: &mut HelpOverlay, app| help.find_next(app, true));
        "previous-help" "help" ["N"] 0 "before" "the key that was found before" always => |app| app.edit_view(|help: &mut HelpOverlay, app| help.find_next(app, false));
        "palette" overlays [":", "ctrl-p"] 20 "palette" "find an action by its name, or type `degree 3 4`" always => |app| app.toggle_overlay(PaletteOverlay::default());
        "log" overlays ["i", "g i"] 21 "log" "what has happened so far" always => |app| app.toggle_overlay(LogOverlay::default());
        "search-log" "log" ["/"] 0 "search" "look for words in the log" log_open => |app| app.open_search();
        "find-next" "log" ["n"] 0 "find next" "the next line of the log with those words" log_open => |app| app.edit_view(|log: &mut LogOverlay, app| log.find_next(app, true));
        "find-previous" "log" ["N"] 0 "find before" "the line before with those words" log_open => |app| app.edit_view(|log: &mut LogOverlay, app| log.find_next(app, false));
        "log-topic" "log" ["t"] 0 "topic" "only lines about one topic: errors, job, corners, models" log_open => |app| app.edit_view(LogOverlay::next_topic);
        "log-times" "log" ["T"] 0 "times" "times of the day, or since the run began" log_open => |app| app.log.absolute_time = !app.log.absolute_time;
        "machine" overlays ["I", "g m"] 0 "machine" "processor, memory, speed and time left, over time" always => |app| app.toggle_overlay(MachineOverlay::default());
        "runs" overlays ["o", "g o"] 22 "runs" "other runs: look at one, go to one" always => |app| app.toggle_run_list();
        "picture" overlays ["g f"] 0 "picture" "heatmap or curves at full resolution, where the terminal can" always => |app| app.toggle_overlay(ImageOverlay::of_pane(app.focus));
        "next-picture" "picture" ["tab", "n"] 0 "next" "the next picture: heatmap, slices, curves" always => |app| app.edit_view(ImageOverlay::next_subject);
        "filter-runs" "runs" ["/"] 0 "filter" "only some runs: `degree:3 acc>0.9 net:resnet18 state:failed`" run_list_open => |app| app.open_search();
        "compare-run" "runs" ["C"] 0 "figures" "hold this run's figures against those of the next chosen" run_list_open => |app| app.toggle_pinned_run();
        "resume-run" "runs" ["r"] 0 "resume" "go to the run and start its engine again" can_resume_run => |app| app.resume_run();
        "remove-run" "runs" ["delete"] 0 "remove" "remove the run's directory for good; asks first" can_remove_run => |app| app.ask_remove();
        "redraw" overlays ["ctrl-l"] 0 "redraw" "draw the whole screen anew" always => |_app| vec![Effect::Redraw];
        "detach" overlays ["d"] 2 "detach" "leave; the engine goes on, `surfit open` comes back to it" always => |app| app.detach();
        "suspend" overlays ["ctrl-z"] 0 "suspend" "back to the shell for now; `fg` returns" always => |_app| vec![Effect::Suspend];
        "quit" overlays ["q", "ctrl-c"] 2 "quit" "leave; asks first when work is under way" always => |app| app.quit();
    }
}
