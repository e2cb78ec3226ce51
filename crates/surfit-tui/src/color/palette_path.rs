//! Colour maps in the 256-colour palette.
//!
//! The palette has few dark colours. Taking the nearest for each value by itself makes a map hop to another hue and back,
//! and grow darker where it should grow lighter. So a map takes one path through the palette, found as a whole: near the
//! map's colours, never against its lightness, and without detours.

use super::palette_256;
use crate::color::Rgb;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::OnceLock;
use surfit_core::colormap::Colormap;

const MAP_SAMPLES: usize = 256;
/// Colours of the palette that are weighed at each place.
const MAX_CANDIDATES: usize = 16;
/// What a change of colour costs in proportion to its size, against being off the map by as much at one place.
const CHANGE_WEIGHT: f32 = 0.6;
/// What going against the map's lightness costs: more than anything it could save.
const LIGHTNESS_REVERSAL_WEIGHT: f32 = 100.0;
/// A colour that differs by at most this in each part is one of the map's.
const MAX_CHANNEL_DIFFERENCE: u8 = 2;
const MAX_CACHED_COLORS: usize = 1 << 14;

/// Oklab (Ottosson 2020): lightness, and two axes of colour; distances are about as eyes see them.
fn oklab((r, g, b): Rgb) -> [f32; 3] {
    let linear = |c: u8| {
        let c = f32::from(c) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    let (r, g, b) = (linear(r), linear(g), linear(b));
    let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

fn oklab_distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    (0..3).map(|n| (a[n] - b[n]).powi(2)).sum::<f32>().sqrt()
}

/// A colour of the palette at a place of the map, as the end of the best way to it.
struct PathStep {
    index: u8,
    lab: [f32; 3],
    cost: f32,
    /// Which of the steps at the place before it came by.
    previous: usize,
}

/// A map's colours at [`MAP_SAMPLES`] places, and the palette's index for each.
struct PalettePath(Vec<(Rgb, u8)>);

impl PalettePath {
    fn of(map: Colormap) -> Self {
        let palette: Vec<(u8, [f32; 3])> = (16..=255).map(|i| (i, oklab(palette_256(i)))).collect();
        let last = (MAP_SAMPLES - 1) as f64;
        let colours: Vec<Rgb> = (0..MAP_SAMPLES).map(|n| map.color_at(n as f64 / last)).collect();
        // For each place its candidates.
        let mut ways: Vec<Vec<PathStep>> = Vec::with_capacity(MAP_SAMPLES);
        let mut before = oklab(colours[0]);
        for &colour in &colours {
            let wanted = oklab(colour);
            let grows = (wanted[0] - before[0]).signum();
            let mut near: Vec<(f32, u8, [f32; 3])> =
                palette.iter().map(|&(i, lab)| (oklab_distance(lab, wanted), i, lab)).collect();
            near.sort_by(|a, b| a.0.total_cmp(&b.0));
            near.truncate(MAX_CANDIDATES);
            let way = |&(off, index, lab): &(f32, u8, [f32; 3])| {
                let from = ways.last().map(Vec::as_slice).unwrap_or_default();
                let (best, by) = from
                    .iter()
                    .enumerate()
                    .map(|(by, was)| {
                        let against = (grows * (was.lab[0] - lab[0])).max(0.0);
                        let change = CHANGE_WEIGHT * oklab_distance(was.lab, lab) + LIGHTNESS_REVERSAL_WEIGHT * against;
                        (was.cost + change, by)
                    })
                    .min_by(|a, b| a.0.total_cmp(&b.0))
                    .unwrap_or((0.0, 0));
                let cost = best + off * off;
                PathStep { index, lab, cost, previous: by }
            };
            let next = near.iter().map(way).collect();
            ways.push(next);
            before = wanted;
        }
        let mut indices = vec![0; MAP_SAMPLES];
        let mut at = ways
            .last()
            .into_iter()
            .flatten()
            .enumerate()
            .min_by(|a, b| a.1.cost.total_cmp(&b.1.cost))
            .map_or(0, |w| w.0);
        for (n, way) in ways.iter().enumerate().rev() {
            (indices[n], at) = (way[at].index, way[at].previous);
        }
        PalettePath(colours.into_iter().zip(indices).collect())
    }

    fn nearest_index(&self, (r, g, b): Rgb) -> Option<u8> {
        let off = |c: Rgb| {
            let parts = [c.0.abs_diff(r), c.1.abs_diff(g), c.2.abs_diff(b)];
            (parts.iter().copied().max(), parts.iter().map(|&p| u32::from(p)).sum::<u32>())
        };
        let (colour, index) = self.0.iter().min_by_key(|(c, _)| off(*c).1)?;
        off(*colour).0.is_some_and(|most| most <= MAX_CHANNEL_DIFFERENCE).then_some(*index)
    }
}

/// The palette's index for `rgb` when it is a colour of `map` or of the diverging map.
pub(super) fn palette_index(map: Colormap, rgb: Rgb) -> Option<u8> {
    static PATHS: [OnceLock<PalettePath>; Colormap::ALL.len()] = [const { OnceLock::new() }; Colormap::ALL.len()];
    thread_local! {
        // A screen has few colours, and the next one has the same.
        static INDEX_CACHE: RefCell<HashMap<(u8, Rgb), Option<u8>>> = RefCell::default();
    }
    let path = |map: Colormap| PATHS[map as usize].get_or_init(|| PalettePath::of(map));
    INDEX_CACHE.with_borrow_mut(|known| {
        if known.len() >= MAX_CACHED_COLORS {
            known.clear();
        }
        *known
            .entry((map as u8, rgb))
            .or_insert_with(|| path(map).nearest_index(rgb).or_else(|| path(Colormap::Diverging).nearest_index(rgb)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_map_grows_lighter_in_256_colours_where_it_does_in_all() {
        for &map in Colormap::ALL {
            let path = PalettePath::of(map);
            for pair in path.0.windows(2) {
                let rise = oklab(pair[1].0)[0] - oklab(pair[0].0)[0];
                let shown = oklab(palette_256(pair[1].1))[0] - oklab(palette_256(pair[0].1))[0];
                assert!(rise * shown >= -1e-4, "{map:?} {pair:?}");
            }
        }
    }

    #[test]
    fn a_map_never_comes_back_to_a_colour_it_has_left_and_keeps_near() {
        for &map in Colormap::ALL {
            let path = PalettePath::of(map);
            // A diverging map is two maps that meet in the middle.
            let halves = match map {
                Colormap::Diverging => vec![&path.0[..MAP_SAMPLES / 2], &path.0[MAP_SAMPLES / 2..]],
                _ => vec![&path.0[..]],
            };
            for half in halves {
                let mut indices: Vec<u8> = half.iter().map(|p| p.1).collect();
                indices.dedup();
                let mut distinct = indices.clone();
                distinct.sort_unstable();
                distinct.dedup();
                assert_eq!(distinct.len(), indices.len(), "{map:?} {indices:?}");
                assert!(indices.len() >= 6, "{map:?} {indices:?}");
            }
            let off = path.0.iter().map(|&(c, i)| oklab_distance(oklab(c), oklab(palette_256(i)))).fold(0.0, f32::max);
            assert!(off < 0.2, "{map:?} is {off} off");
        }
    }

    #[test]
    fn colours_of_the_map_take_its_path_and_others_do_not() {
        for n in 0..=1000 {
            let rgb = Colormap::Viridis.color_at(f64::from(n) / 1000.0);
            assert!(palette_index(Colormap::Viridis, rgb).is_some(), "{rgb:?}");
        }
        assert_eq!(palette_index(Colormap::Viridis, (200, 30, 40)), None);
        let end = Colormap::Diverging.color_at(0.0);
        assert!(palette_index(Colormap::Viridis, end).is_some());
    }
}
