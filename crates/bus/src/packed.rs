//! Compressed bytes, for attachments: a magic, the original length (u32, little-endian), and one LZ4 block.

use bytes::{BufMut as _, Bytes, BytesMut};

const MAGIC: [u8; 4] = *b"LZB\x01";
const PREFIX: usize = MAGIC.len() + size_of::<u32>();

/// Bytes that are not what [`pack`] made, or more of them than wanted.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// They do not begin with the magic, or are cut off.
    #[error("these bytes were not packed by this version or an earlier one")]
    NotPacked,
    /// They would be longer than whoever asked wants them.
    #[error("they would be {length} bytes, and at most {limit} are wanted")]
    TooLong {
        /// What they claim to be, in bytes.
        length: usize,
        /// What is wanted at most, in bytes.
        limit: usize,
    },
    /// The block is damaged.
    #[error("they are damaged")]
    Damaged(#[source] lz4_flex::block::DecompressError),
}

/// Compresses. Bytes above 4 GiB cannot be: requests are bounded far below.
#[must_use]
pub fn pack(bytes: &[u8]) -> Bytes {
    let most = lz4_flex::block::get_maximum_output_size(bytes.len());
    let mut out = BytesMut::zeroed(PREFIX + most);
    let (prefix, block) = out.split_at_mut(PREFIX);
    let mut prefix: &mut [u8] = prefix;
    prefix.put_slice(&MAGIC);
    prefix.put_u32_le(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    // It cannot fail: the room is what the library asks for.
    let length = lz4_flex::block::compress_into(bytes, block).unwrap_or_default();
    out.truncate(PREFIX + length);
    // What is kept holds no more memory than it needs.
    Bytes::copy_from_slice(&out)
}

/// Takes back what [`pack`] made, if it is at most `limit` bytes.
///
/// # Errors
/// [`UnpackError`].
pub fn unpack(packed: &[u8], limit: usize) -> Result<Vec<u8>, UnpackError> {
    let rest = packed.strip_prefix(&MAGIC).ok_or(UnpackError::NotPacked)?;
    let (length, block) = rest.split_first_chunk().ok_or(UnpackError::NotPacked)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > limit {
        return Err(UnpackError::TooLong { length, limit });
    }
    lz4_flex::block::decompress(block, length).map_err(UnpackError::Damaged)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_out_again_and_nothing_else() {
        for bytes in [Vec::new(), b"{}".to_vec(), b"abc".repeat(10_000), (0..=255).collect()] {
            let packed = pack(&bytes);
            assert_eq!(unpack(&packed, bytes.len()).unwrap(), bytes);
            if !bytes.is_empty() {
                let short = unpack(&packed, bytes.len() - 1).unwrap_err();
                assert!(matches!(short, UnpackError::TooLong { .. }), "{short}");
                assert!(unpack(&packed[..packed.len() - 1], usize::MAX).is_err());
            }
        }
        assert!(pack(&b"abc".repeat(10_000)).len() < 1_000);
        assert!(matches!(
            unpack(b"\x1f\x8b\x08", 9).unwrap_err(),
            UnpackError::NotPacked
        ));
        // A few bytes that claim to be gigabytes.
        let bomb = [&MAGIC[..], &u32::MAX.to_le_bytes(), b"\x00"].concat();
        assert!(unpack(&bomb, 1 << 20).is_err());
    }
}
