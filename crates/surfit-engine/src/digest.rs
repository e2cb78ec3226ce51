//! SHA-256 of tensors.

use sha2::{Digest, Sha256};
use tch::{Device, Tensor};

/// Bytes that are on their way from the device to the hash at once.
const CHUNK_BYTES: usize = 8 << 20;

/// The digest of types, shapes and bytes of `tensors`, as hexadecimal digits. Waits for the device.
pub fn digest_tensors<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> String {
    let mut hash = Sha256::new();
    let mut buffer = Vec::new();
    for tensor in tensors {
        hash.update(format!("{:?} {:?};", tensor.kind(), tensor.size()));
        let flat = tensor.contiguous().view(-1);
        let (width, end) = (flat.kind().elt_size_in_bytes(), flat.numel() as i64);
        let step = (CHUNK_BYTES / width) as i64;
        let mut start = 0;
        while start < end {
            let piece = flat.narrow(0, start, step.min(end - start));
            let piece = piece.to_device(Device::Cpu);
            buffer.resize(piece.numel() * width, 0);
            piece.copy_data_u8(&mut buffer, piece.numel());
            hash.update(&buffer);
            start += step;
        }
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    #[test]
    fn every_byte_and_the_shape_count_and_pieces_do_not() {
        // Longer than two pieces.
        let x = Tensor::arange(5 << 20, (Kind::Int, Device::Cpu));
        let digest = digest_tensors([&x]);
        assert_eq!((digest.len(), &digest), (64, &digest_tensors([&x.copy()])));
        assert_ne!(digest, digest_tensors([&x.view([5, -1])]));
        for at in [0, (5 << 20) - 1, 2 << 20] {
            let y = x.copy();
            let _ = y.get(at).g_add_scalar_(1);
            assert_ne!(digest, digest_tensors([&y]), "element {at}");
        }
        // The bytes themselves, by another way.
        let mut hash = Sha256::new();
        hash.update("Int [3];");
        hash.update([1, 0, 0, 0, 2, 0, 0, 0, 255, 255, 255, 255]);
        let want: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(digest_tensors([&Tensor::from_slice(&[1i32, 2, -1])]), want);
    }
}
