//! The table itself. A line is: action, name, scope (none for anywhere), keys, place in the footer, label, help, and when it
//! is possible. Letters that a pane's own scope has mean that there, and something else in the others.

use super::availability::*;
use super::viewport::{can_turn_or_pan, viewport_zoomed};
use super::{Action, ActionEntry, ActionGroup, KeyScope};

macro_rules! scope {
    () => {
        KeyScope::Anywhere
    };
    ($scope:ident) => {
        KeyScope::$scope
    };
}

macro_rules! table {
    ($($group:ident {
        $($action:ident $id:literal $($scope:ident)? [$($key:literal),*] $footer:literal $label:literal $help:literal $when:expr;)*
    })*) => {
        /// Every action, group by group.
        pub const TABLE: &[ActionEntry] = &[$($(ActionEntry {
            action: Action::$action,
            id: $id,
            scope: scope!($($scope)?),
            keys: &[$($key),*],
            group: ActionGroup::$group,
            label: $label,
            help: $help,
            footer: $footer,
            availability: $when,
        },)*)*];
    };
}

table! {
    Job {
        Start "start" ["s"] 3 "start" "start the job, go on with it, or fit a new surface" can_start_job;
        StartCorners "start-corners" ["S"] 0 "corners" "train new corners and go on from there" can_start_corners;
        Pause "pause" ["p", "space"] 4 "pause" "stand still, or go on after that" can_pause;
        Stop "stop" ["."] 5 "stop" "end the present stage early and keep what was reached" can_stop;
        Fork "fork" ["N"] 0 "fork" "a new run from here with the planned degree, beside this one" can_start_new_run;
        Queue "queue" ["Q"] 0 "queue" "the planned degree in the queue, when this run has ended" can_start_new_run;
        Cancel "cancel" ["Z"] 2 "give up" "give up a measurement, search, export or the heatmap" can_cancel;
        RateUp "rate-up" ["; +"] 0 "rate +" "a higher learning rate from the next step on; `rate 0.01`" engine_reachable;
        RateDown "rate-down" ["; -"] 0 "rate -" "a lower learning rate from the next step on" engine_reachable;
        MoreDraws "more-draws" ["; >"] 0 "draws +" "one more surface point a step; `draws 4`" engine_reachable;
        FewerDraws "fewer-draws" ["; <"] 0 "draws -" "one surface point a step fewer" engine_reachable;
        Checkpoint "checkpoint" ["c"] 14 "checkpoint" "make the present state durable now" can_checkpoint;
        Resume "resume" ["r"] 1 "resume" "start the engine again from the last checkpoint" can_resume_engine;
    }
    Surface {
        RaiseU "raise-u" ["u"] 7 "degree u" "plan a higher degree along u; enter makes it so" can_raise_u;
        LowerU "lower-u" ["U"] 0 "degree u-" "plan a lower degree along u; enter makes it so" can_lower_u;
        RaiseV "raise-v" ["v"] 8 "degree v" "plan a higher degree along v; enter makes it so" can_raise_v;
        LowerV "lower-v" ["V"] 0 "degree v-" "plan a lower degree along v; enter makes it so" can_lower_v;
        RefineGrid "finer" ["]"] 10 "grid" "measure on a finer grid" can_refine_grid;
        CoarsenGrid "coarser" ["["] 0 "coarser" "measure on a coarser grid" can_coarsen_grid;
        Freeze "freeze" Points ["f"] 2 "freeze" "hold the chosen control point still, or let it train again" can_freeze;
        MeasureDistances "measure-distances" ["; d"] 0 "measure dist" "measure the distances between all control points" surface_ready;
        Measure "measure" ["H"] 0 "measure" "measure the whole heatmap now, on every validation image" can_measure_heatmap;
    }
    Models {
        NextBest "next-best" ["n", "g b"] 9 "next best" "move the cursor to the best cell, then the next best" cells_measured;
        Mark "mark" ["m"] 15 "mark" "mark the point under the cursor, or take its mark away" surface_ready;
        Evaluate "evaluate" ["e"] 11 "evaluate" "measure exactly here, on every validation image" surface_ready;
        Search "search" ["; s"] 0 "search" "look for a better point near the cursor, off the grid" surface_ready;
        MeasureMarks "measure-marks" ["; m"] 0 "ensemble" "measure the ensemble of the marked points on validation" surface_ready;
        ExportMarks "export-marks" ["; x"] 0 "export marks" "write the ensemble of the marked points" surface_ready;
        ExportEnsemble "export-ensemble" ["; e"] 0 "ensemble" "choose and write an ensemble of four; `ensemble 6`" can_export_best;
        ExportBest "export-best" ["x"] 6 "export best" "write the best model by accuracy, with its test accuracy" can_export_best;
        ExportCursor "export-cursor" ["X"] 12 "export here" "write the model under the cursor" surface_ready;
        ExportCentroid "export-centroid" ["C"] 0 "centroid" "write the mean of the whole surface as a model" surface_ready;
        ExportNames "export-names" ["; n"] 0 "names" "exports get the tensor names of corner 1's file, or surfit's" surface_ready;
        Models "models" ["w", "g w"] 13 "models" "corners and models written, with their accuracies" always;
        SortModels "sort-models" Models ["s"] 0 "sort" "sort models: latest, by validation, by test, by place" always;
        Copy "copy" ["y"] 0 "copy" "copy the cursor's u,v, or a model's folder from the list" always;
        CopyMenu "copy-menu" ["Y"] 0 "copy what" "choose what to copy: figures, paths, a table, a command line" always;
        WriteFile "write" ["W"] 0 "write file" "write what is shown here into a file: CSV, JSON, PNG, SVG" always;
        WritePlots "figures" ["F"] 0 "figures" "write the curves and the heatmap as figures" can_write_plots;
    }
    Move {
        FocusLoss "focus-loss" ["1", "g l"] 0 "loss" "go to the loss curves" always;
        FocusSurface "focus-surface" ["2", "g s"] 0 "surface" "go to the surface" always;
        FocusPoints "focus-points" ["3", "g p"] 0 "points" "go to the control points" always;
        FocusNext "next-pane" ["tab"] 16 "next pane" "go to the next pane" always;
        FocusPrevious "previous-pane" ["shift-tab"] 0 "last pane" "go to the pane before" always;
        Zoom "zoom" ["z", "enter"] 10 "zoom" "give the pane the whole screen, or back" always;
        Back "back" ["esc"] 0 "back" "close what is open; leave zoom; take the cursor away" always;
        Left "left" ["left", "h"] 0 "left" "move the cursor" always;
        Down "down" ["down", "j"] 0 "down" "move the cursor" always;
        Up "up" ["up", "k"] 0 "up" "move the cursor" always;
        Right "right" ["right", "l"] 0 "right" "move the cursor" always;
        First "first" ["home", "g g"] 0 "first" "move the cursor to the first corner, step or point" always;
        Last "last" ["end", "G"] 0 "last" "move the cursor to the last corner, step or point" always;
    }
    Show {
        Metric "metric" ["M"] 18 "metric" "next metric on the surface" always;
        Numbers "numbers" ["#"] 0 "numbers" "write the figures into the cells, where they fit" always;
        Slices "slices" ["|"] 0 "slices" "slices through the cursor: along u and v, diagonal, or none" always;
        Gain "gain" Surface ["D"] 0 "vs corner" "how much better than the best corner every cell is" always;
        Confidence "confidence" Surface ["I"] 0 "confidence" "how wide the confidence interval of every cell is" always;
        Contours "contours" Surface ["O"] 0 "contours" "contour lines over the colours, in their place, or none" always;
        Interpolate "interpolate" Surface ["E"] 0 "interpolate" "colours between the cells, or every cell as measured" always;
        Peaks "peaks" Surface ["P"] 0 "peaks" "number the best points that are not neighbours" always;
        Relief "relief" Surface ["T"] 0 "3-D" "the surface in three dimensions; a curve as a line" always;
        ZoomIn "zoom-in" Surface ["+"] 1 "zoom in" "show less of u and v, about the cursor" cells_measured;
        ZoomOut "zoom-out" Surface ["-"] 0 "zoom out" "show more of u and v" viewport_zoomed;
        TurnLeft "turn-left" Surface ["<", "alt-left"] 0 "left" "turn the surface in 3-D; flat, move the part shown" can_turn_or_pan;
        TurnRight "turn-right" Surface [">", "alt-right"] 0 "right" "turn it the other way; flat, move the part shown" can_turn_or_pan;
        TiltUp "tilt-up" Surface ["K", "alt-up"] 0 "up" "look from higher up in 3-D; flat, move the part shown" can_turn_or_pan;
        TiltDown "tilt-down" Surface ["J", "alt-down"] 0 "down" "look from lower down in 3-D; flat, move the part shown" can_turn_or_pan;
        Steeper "steeper" Surface ["^"] 0 "steeper" "draw heights steeper" relief_shown;
        Flatter "flatter" Surface ["_"] 0 "flatter" "draw heights flatter" relief_shown;
        ResetView "reset-view" Surface ["0"] 0 "whole" "the whole surface again, in 3-D as seen at first" can_turn_or_pan;
        Blocks "blocks" Surface ["B"] 0 "blocks" "finer block characters, where the font has them, or lines" always;
        Comparison "beside" Surface ["A"] 0 "beside" "beside it the surface before its degree changed, or not" can_compare_surfaces;
        CompareRunSurface "beside-run" Runs ["b"] 0 "beside" "show the chosen run's surface beside this one's" always;
        RangeNarrow "range-narrow" Surface [")"] 0 "narrower" "colours for a narrower range of values" cells_measured;
        RangeWiden "range-widen" Surface ["("] 0 "wider" "colours for a wider range of values" cells_measured;
        RangeRaise "range-raise" Surface ["}"] 0 "range up" "colours for higher values" cells_measured;
        RangeLower "range-lower" Surface ["{"] 0 "range down" "colours for lower values" cells_measured;
        RangeAuto "range-auto" Surface ["="] 0 "auto range" "colours for the values there are" always;
        LogAxis "log-axis" ["L"] 17 "log axis" "linear or logarithmic loss axis" always;
        Recent "recent" ["R"] 0 "recent" "all of the loss curve, or its recent part" always;
        Smooth "smooth" ["a"] 0 "smooth" "the smoothed loss curve over the raw one" always;
        CornerCurves "corner-curves" ["b"] 0 "corners" "the corners' loss curves beside that of the surface" always;
        Distances "distances" Points ["D"] 0 "distances" "how far the control points lie from each other" always;
        PointQuantity "point-figure" Points ["T"] 3 "figure" "tiles tell the way travelled, the accuracy or the gradient" always;
        LossZoomIn "loss-zoom-in" Loss ["+", "="] 1 "zoom in" "zoom in, about the cursor or the news" loss_curve_ready;
        LossZoomOut "loss-zoom-out" Loss ["-"] 0 "zoom out" "zoom out" loss_curve_ready;
        LossZoomAll "loss-zoom-all" Loss ["0"] 0 "whole curve" "the whole curve again" loss_curve_ready;
        LossPanLeft "loss-pan-left" Loss ["<", ","] 0 "earlier" "move what is shown to earlier steps" can_pan_curves;
        LossPanRight "loss-pan-right" Loss [">"] 0 "later" "move what is shown to later steps" can_pan_curves;
        LossXAxis "loss-x-axis" Loss ["T"] 3 "time axis" "losses over steps, or over time at work" loss_curve_ready;
        LossSmoother "loss-smoother" Loss ["}"] 2 "smoother" "smooth the loss curve more" loss_curve_ready;
        LossRougher "loss-rougher" Loss ["{"] 0 "rougher" "smooth the loss curve less, at last not at all" loss_curve_ready;
        LossRate "loss-rate" Loss ["E"] 4 "rate" "the learning rate below the losses" loss_curve_ready;
        CompareRunCurves "loss-overlay" Runs ["c"] 1 "compare" "compare losses: lay the chosen run's curve over this one's" always;
        Wider "wider" ["ctrl-right", "ctrl-w >"] 0 "wider" "make the pane wider" several_panes_shown;
        Narrower "narrower" ["ctrl-left", "ctrl-w <"] 0 "narrower" "make the pane narrower" several_panes_shown;
        Taller "taller" ["ctrl-down", "ctrl-w +"] 0 "taller" "make the pane taller" several_panes_shown;
        Shorter "shorter" ["ctrl-up", "ctrl-w -"] 0 "shorter" "make the pane shorter" several_panes_shown;
        Arrange "arrange" ["\\", "ctrl-w ctrl-w"] 0 "arrange" "surface large, loss large, or all three beside each other" several_panes_shown;
        ResetPanes "reset-panes" ["ctrl-w ="] 0 "usual sizes" "the usual sizes of the panes again" several_panes_shown;
        Sidebar "lists" ["&"] 0 "lists" "models and log beside the panes, where there is room" always;
        Theme "theme" ["t"] 19 "theme" "the next colour theme" always;
        Themes "themes" ["g t"] 0 "themes" "the colour themes: the screen shows each as you go to it" always;
    }
    Program {
        Help "help" ["?", "f1"] 1 "help" "every key, and what is possible now" always;
        SearchHelp "search-help" Help ["/"] 0 "search" "only keys about some words" always;
        NextHelp "next-help" Help ["n"] 0 "next" "the next key that was found" always;
        PreviousHelp "previous-help" Help ["N"] 0 "before" "the key that was found before" always;
        Palette "palette" [":", "ctrl-p"] 20 "palette" "find an action by its name, or type `degree 3 4`" always;
        Log "log" ["i", "g i"] 21 "log" "what has happened so far" always;
        SearchLog "search-log" Log ["/"] 0 "search" "look for words in the log" log_open;
        FindNext "find-next" Log ["n"] 0 "find next" "the next line of the log with those words" log_open;
        FindPrevious "find-previous" Log ["N"] 0 "find before" "the line before with those words" log_open;
        LogTopic "log-topic" Log ["t"] 0 "topic" "only lines about one topic: errors, job, corners, models" log_open;
        LogTimes "log-times" Log ["T"] 0 "times" "times of the day, or since the run began" log_open;
        Machine "machine" ["I", "g m"] 0 "machine" "processor, memory, speed and time left, over time" always;
        Runs "runs" ["o", "g o"] 22 "runs" "other runs: look at one, go to one" always;
        Image "picture" ["g f"] 0 "picture" "heatmap or curves at full resolution, where the terminal can" always;
        NextImage "next-picture" Image ["tab", "n"] 0 "next" "the next picture: heatmap, slices, curves" always;
        FilterRuns "filter-runs" Runs ["/"] 0 "filter" "only some runs: `degree:3 acc>0.9 net:resnet18 state:failed`" run_list_open;
        PinRun "compare-run" Runs ["C"] 0 "figures" "hold this run's figures against those of the next chosen" run_list_open;
        ResumeRun "resume-run" Runs ["r"] 0 "resume" "go to the run and start its engine again" can_resume_run;
        RemoveRun "remove-run" Runs ["delete"] 0 "remove" "remove the run's directory for good; asks first" can_remove_run;
        Redraw "redraw" ["ctrl-l"] 0 "redraw" "draw the whole screen anew" always;
        Detach "detach" ["d"] 2 "detach" "leave; the engine goes on, `surfit open` comes back to it" always;
        Suspend "suspend" ["ctrl-z"] 0 "suspend" "back to the shell for now; `fg` returns" always;
        Quit "quit" ["q", "ctrl-c"] 2 "quit" "leave; asks first when work is under way" always;
    }
}
