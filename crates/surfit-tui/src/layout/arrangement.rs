//! How the panes share the main area: three presets, and shares that the user moves.

use crate::app::Pane;
use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};

const MIN_PANE_WIDTH: u16 = 24;
const MIN_PANE_HEIGHT: u16 = 6;

/// Which pane is large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The surface at the right, the curves over the control points at the left.
    #[default]
    Surface,
    /// The curves at the left, the surface over the control points at the right.
    Loss,
    Columns,
}

impl Preset {
    /// Every preset, in the order the key goes through them.
    pub const ALL: [Preset; 3] = [Preset::Surface, Preset::Loss, Preset::Columns];

    pub fn name(self) -> &'static str {
        ["surface large", "loss large", "columns"][self as usize]
    }
}

/// A preset, and the share of each border that was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Arrangement {
    pub preset: Preset,
    /// For each preset, its two borders: thousandths of what they divide, 0 to leave it to the program.
    pub shares: [[u16; 2]; 3],
}

/// The line between two panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Border {
    pub index: usize,
    /// It separates columns, not rows.
    pub vertical: bool,
    /// The cells where it can be taken: the frames that meet there.
    pub area: Rect,
    pub container: Rect,
    /// Least columns or rows before it and after it.
    pub min_sizes: (u16, u16),
}

impl Arrangement {
    /// The panes in the order of [`Pane::ALL`], and the borders between them.
    pub fn split_area(&self, main: Rect) -> ([(Pane, Rect); 3], [Border; 2]) {
        let [first, second] = self.shares[self.preset as usize];
        let (first, second) = ((0, first), (1, second));
        let beside = |right| (MIN_PANE_WIDTH, right);
        let above = (MIN_PANE_HEIGHT, MIN_PANE_HEIGHT);
        match self.preset {
            Preset::Surface => {
                let usual = main.width - surface_width(main);
                let (left, surface, a) = split_at_border(main, true, first, usual, beside(MIN_PANE_WIDTH));
                let usual = left.height.div_ceil(2);
                let (loss, points, b) = split_at_border(left, false, second, usual, above);
                (in_pane_order(loss, surface, points), [a, b])
            }
            Preset::Loss => {
                let usual = percent_of(main.width, 56);
                let (loss, right, a) = split_at_border(main, true, first, usual, beside(MIN_PANE_WIDTH));
                let usual = percent_of(right.height, 62);
                let (surface, points, b) = split_at_border(right, false, second, usual, above);
                (in_pane_order(loss, surface, points), [a, b])
            }
            Preset::Columns => {
                let usual = percent_of(main.width, 30);
                let (loss, rest, a) = split_at_border(main, true, first, usual, beside(2 * MIN_PANE_WIDTH));
                let usual = percent_of(rest.width, 62);
                let (surface, points, b) = split_at_border(rest, true, second, usual, beside(MIN_PANE_WIDTH));
                (in_pane_order(loss, surface, points), [a, b])
            }
        }
    }

    pub fn move_border(&mut self, border: &Border, x: u16, y: u16) {
        let (at, from, total) = if border.vertical {
            (x, border.container.x, border.container.width)
        } else {
            (y, border.container.y, border.container.height)
        };
        let size = clamp_split(at.saturating_sub(from), total, border.min_sizes);
        // Half a cell more, so that the same cell is found again.
        let share = (u32::from(size) * 1000 + 500) / u32::from(total.max(1));
        self.shares[self.preset as usize][border.index] = share.clamp(1, 1000) as u16;
    }

    /// Lets the program place the borders of the present preset again.
    pub fn reset_borders(&mut self) {
        self.shares[self.preset as usize] = [0, 0];
    }
}

fn in_pane_order(loss: Rect, surface: Rect, points: Rect) -> [(Pane, Rect); 3] {
    [(Pane::Loss, loss), (Pane::Surface, surface), (Pane::Points, points)]
}

fn percent_of(total: u16, percent: u16) -> u16 {
    (u32::from(total) * u32::from(percent) / 100) as u16
}

/// The surface is square, and a cell of the terminal is about twice as high as it is wide: it takes what it can use of
/// the width, and the curves get the rest.
fn surface_width(main: Rect) -> u16 {
    let useful = (main.height.saturating_sub(4)).saturating_mul(2) + 34;
    let most = percent_of(main.width, 62);
    let least = main.width / 2 + 3;
    useful.clamp(least.min(most), most)
}

/// `size` so that at least so much is before and after.
fn clamp_split(size: u16, total: u16, (before, after): (u16, u16)) -> u16 {
    let most = total.saturating_sub(after);
    size.clamp(before.min(most), most)
}

fn split_size(total: u16, share: u16, usual: u16, least: (u16, u16)) -> u16 {
    let size = match share {
        0 => usual,
        share => (u32::from(total) * u32::from(share.min(1000)) / 1000) as u16,
    };
    clamp_split(size, total, least)
}

/// Two parts of `whole`, beside each other when the border is `upright`, else one above the other.
fn split_at_border(
    whole: Rect,
    upright: bool,
    (index, share): (usize, u16),
    usual: u16,
    least: (u16, u16),
) -> (Rect, Rect, Border) {
    let (mut before, mut after, mut place) = (whole, whole, whole);
    if upright {
        before.width = split_size(whole.width, share, usual, least);
        (after.x, after.width) = (before.right(), whole.width - before.width);
        (place.x, place.width) = (after.x.saturating_sub(1), 2);
    } else {
        before.height = split_size(whole.height, share, usual, least);
        (after.y, after.height) = (before.bottom(), whole.height - before.height);
        (place.y, place.height) = (after.y.saturating_sub(1), 2);
    }
    let border = Border { index, vertical: upright, area: place, container: whole, min_sizes: least };
    (before, after, border)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_border_goes_where_it_is_put_and_no_pane_vanishes() {
        let main = Rect::new(0, 2, 140, 40);
        for preset in Preset::ALL {
            for share in [0, 1] {
                let mut it = Arrangement { preset, ..Arrangement::default() };
                let border = it.split_area(main).1[share];
                let (x, y) = (border.container.x + 37, border.container.y + 11);
                it.move_border(&border, x, y);
                let moved = it.split_area(main).1[share];
                let at = if border.vertical { moved.area.x + 1 == x } else { moved.area.y + 1 == y };
                assert!(at, "{preset:?} {share}: {moved:?}");
                it.move_border(&border, 0, 0);
                it.reset_borders();
                assert_eq!(it.split_area(main).1[share], border);
            }
        }
    }

    proptest! {
        /// Whatever shares a file holds, the panes tile the area.
        #[test]
        fn panes_always_tile_the_area(w in 80u16..300, h in 16u16..90, a: u16, b: u16, n in 0usize..3) {
            let main = Rect::new(0, 1, w, h);
            let it = Arrangement { preset: Preset::ALL[n], shares: [[a, b]; 3] };
            let (panes, _) = it.split_area(main);
            let cells: u32 = panes.iter().map(|(_, r)| u32::from(r.width) * u32::from(r.height)).sum();
            prop_assert_eq!(cells, u32::from(w) * u32::from(h));
            for (pane, r) in panes {
                prop_assert_eq!(r.intersection(main), r);
                prop_assert!(r.width >= 24 && r.height >= 6, "{:?} {:?}", pane, r);
            }
        }
    }
}
