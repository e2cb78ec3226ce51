//! A heatmap as files for other programs.

use super::{Heatmap, Metric};

impl Heatmap {
    /// The table `u,v,accuracy,loss,images` with a header line, of every cell on the surface; unmeasured cells have empty figures and 0 images.
    pub fn to_csv(&self) -> String {
        let mut out = String::from("u,v,accuracy,loss,images\n");
        for i in self.inside() {
            let cell = &self.cells[i];
            let (u, v) = self.parameters(i);
            match cell.accuracy() {
                Some(a) => {
                    out += &format!("{u:.6},{v:.6},{a:.6},{:.6},{}\n", cell.loss, cell.images)
                }
                None => out += &format!("{u:.6},{v:.6},,,0\n"),
            }
        }
        out
    }

    /// The metric as a NumPy array file (`.npy` version 1.0) of shape `[grid, grid]`, `float64`, NaN where unmeasured
    /// or outside the surface.
    pub fn to_npy(&self, metric: Metric) -> Vec<u8> {
        let mut header = format!(
            "{{'descr': '<f8', 'fortran_order': False, 'shape': ({0}, {0}), }}",
            self.grid
        );
        // The format wants magic, lengths and header together to be a multiple of 64, ending in a newline.
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut out = b"\x93NUMPY\x01\x00".to_vec();
        out.extend((header.len() as u16).to_le_bytes());
        out.extend(header.as_bytes());
        for cell in &self.cells {
            out.extend(metric.of(cell).unwrap_or(f64::NAN).to_le_bytes());
        }
        out
    }
}
