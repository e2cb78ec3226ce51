//! The table itself.

use super::possible::*;
use super::{Action, Entry, Group};

macro_rules! table {
    ($($group:ident { $($action:ident $id:literal $keys:tt $footer:literal $label:literal $help:literal $when:expr;)* })*) => {
        /// Every action, group by group.
        pub const TABLE: &[Entry] = &[$($(Entry {
            action: Action::$action,
            id: $id,
            keys: &$keys,
            group: Group::$group,
            label: $label,
            help: $help,
            footer: $footer,
            possible: $when,
        },)*)*];
    };
}

table! {
    Job {
        Start "start" ["s"] 3 "start" "start the job, go on with it, or fit a new surface" start;
        StartCorners "start-corners" ["S"] 0 "corners" "train new corners and go on from there" start_corners;
        Pause "pause" ["p", "space"] 4 "pause" "stand still, or go on after that" pause;
        Stop "stop" ["."] 5 "stop" "end the present stage early and keep what was reached" stop;
        Checkpoint "checkpoint" ["c"] 14 "checkpoint" "make the present state durable now" engine;
        Resume "resume" ["r"] 1 "resume" "start the engine again from the last checkpoint" resume;
    }
    Surface {
        RaiseU "raise-u" ["u"] 7 "degree u" "raise the degree along u; the surface stays where it is" raise_u;
        LowerU "lower-u" ["U"] 0 "degree u-" "lower the degree along u" lower_u;
        RaiseV "raise-v" ["v"] 8 "degree v" "raise the degree along v; the surface stays where it is" raise_v;
        LowerV "lower-v" ["V"] 0 "degree v-" "lower the degree along v" lower_v;
        Finer "finer" ["g"] 10 "grid" "measure on a finer grid" finer;
        Coarser "coarser" ["G"] 0 "coarser" "measure on a coarser grid" coarser;
        Freeze "freeze" ["f"] 2 "freeze" "hold the chosen control point still, or let it train again" freeze;
        Measure "measure" ["H"] 0 "measure" "measure the whole heatmap now, on every validation image" measured_surface;
    }
    Models {
        NextBest "next-best" ["n"] 9 "next best" "move the cursor to the best cell, then the next best" cells;
        Mark "mark" ["m"] 15 "mark" "mark the point under the cursor, or take its mark away" surface;
        Evaluate "evaluate" ["e"] 11 "evaluate" "measure exactly here, on every validation image" surface;
        ExportBest "export-best" ["x"] 6 "export best" "write the best model and measure its test accuracy" export_best;
        ExportCursor "export-cursor" ["X"] 12 "export here" "write the model under the cursor" surface;
        ExportCentroid "export-centroid" ["C"] 0 "centroid" "write the mean of the whole surface as a model" surface;
        Models "models" ["w"] 13 "models" "corners and models written, with their accuracies" always;
        Copy "copy" ["y"] 0 "copy" "copy the cursor's u,v, or a model's folder from the list" always;
        Figures "figures" ["F"] 0 "figures" "write the curves and the heatmap as figures" figures;
    }
    Move {
        FocusLoss "focus-loss" ["1"] 0 "loss" "go to the loss curves" always;
        FocusSurface "focus-surface" ["2"] 0 "surface" "go to the surface" always;
        FocusPoints "focus-points" ["3"] 0 "points" "go to the control points" always;
        FocusNext "next-pane" ["tab"] 16 "next pane" "go to the next pane" always;
        FocusPrevious "previous-pane" ["shift-tab"] 0 "last pane" "go to the pane before" always;
        Zoom "zoom" ["z", "enter"] 10 "zoom" "give the pane the whole screen, or back" always;
        Back "back" ["esc"] 0 "back" "close what is open; leave zoom; take the cursor away" always;
        Left "left" ["left", "h"] 0 "left" "move the cursor" always;
        Down "down" ["down", "j"] 0 "down" "move the cursor" always;
        Up "up" ["up", "k"] 0 "up" "move the cursor" always;
        Right "right" ["right", "l"] 0 "right" "move the cursor" always;
        First "first" ["home"] 0 "first" "move the cursor to the first corner, step or point" always;
        Last "last" ["end"] 0 "last" "move the cursor to the last corner, step or point" always;
    }
    Show {
        Metric "metric" ["M"] 18 "metric" "accuracy or loss on the surface" always;
        Numbers "numbers" ["#"] 0 "numbers" "write the figures into the cells, where they fit" always;
        Slices "slices" ["|"] 0 "slices" "the two slices through the cursor" always;
        LogAxis "log-axis" ["L"] 17 "log axis" "linear or logarithmic loss axis" always;
        Recent "recent" ["R"] 0 "recent" "all of the loss curve, or its recent part" always;
        Smooth "smooth" ["a"] 0 "smooth" "the smoothed loss curve over the raw one" always;
        CornerCurves "corner-curves" ["b"] 0 "corners" "the corners' loss curves beside that of the surface" always;
        Theme "theme" ["t"] 19 "theme" "the next colour theme" always;
    }
    Program {
        Help "help" ["?", "f1"] 1 "help" "every key, and what is possible now" always;
        Palette "palette" [":", "ctrl-p"] 20 "palette" "find an action by its name, or type `degree 3 4`" always;
        Log "log" ["i"] 21 "log" "what has happened so far" always;
        Runs "runs" ["o"] 22 "runs" "other runs: look at one, go to one" always;
        Redraw "redraw" ["ctrl-l"] 0 "redraw" "draw the whole screen anew" always;
        Detach "detach" ["d"] 2 "detach" "leave; the engine goes on, `surfit open` comes back to it" always;
        Suspend "suspend" ["ctrl-z"] 0 "suspend" "back to the shell for now; `fg` returns" always;
        Quit "quit" ["q", "ctrl-c"] 2 "quit" "leave; asks first when work is under way" always;
    }
}
