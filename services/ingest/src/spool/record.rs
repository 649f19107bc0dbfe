//! How the log looks on disk: a magic, then records of length, checksum, kind, sequence and bytes. A record that was torn by a
//! crash was never confirmed, and ends the log.

use std::collections::BTreeMap;

/// The first bytes of every file.
pub(super) const MAGIC: [u8; 8] = *b"FXSPOOL\x01";
const HEAD: usize = 4 + 4 + 1 + 8;
const DELIVERY: u8 = b'D';
const SETTLED: u8 = b'S';

/// Bytes on disk of a delivery of so many bytes.
pub(super) const fn size(payload: usize) -> u64 {
    (HEAD + payload) as u64
}

/// Where the payload begins in a record.
pub(super) const fn payload_offset() -> u64 {
    HEAD as u64
}

/// Adds a delivery to a buffer. Returns false, and adds nothing, when it is too long for the log.
pub(super) fn delivery(out: &mut Vec<u8>, sequence: u64, payload: &[u8]) -> bool {
    write(out, DELIVERY, sequence, payload)
}

/// The record that says that a delivery is dealt with.
pub(super) fn settled(sequence: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEAD);
    write(&mut out, SETTLED, sequence, &[]);
    out
}

fn write(out: &mut Vec<u8>, kind: u8, sequence: u64, payload: &[u8]) -> bool {
    let Ok(length) = u32::try_from(payload.len()) else {
        return false;
    };
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&checksum(kind, sequence, payload).to_le_bytes());
    out.push(kind);
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(payload);
    true
}

fn checksum(kind: u8, sequence: u64, payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&[kind]);
    crc.update(&sequence.to_le_bytes());
    crc.update(payload);
    crc.finalize()
}

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// Offset and length of the payload of every delivery that is not settled, by sequence.
    pub(super) live: BTreeMap<u64, (u64, usize)>,
    /// Up to here the file can be read.
    pub(super) sound: usize,
    /// The highest sequence seen.
    pub(super) last: u64,
}

/// Reads a file as far as it is sound.
pub(super) fn read(file: &[u8]) -> Contents {
    let mut contents = Contents::default();
    if !file.starts_with(&MAGIC) {
        return contents;
    }
    contents.sound = MAGIC.len();
    while let Some((kind, sequence, payload)) = next(&file[contents.sound..]) {
        match kind {
            DELIVERY => {
                contents
                    .live
                    .insert(sequence, ((contents.sound + HEAD) as u64, payload));
            }
            SETTLED => {
                contents.live.remove(&sequence);
            }
            _ => break,
        }
        contents.last = contents.last.max(sequence);
        contents.sound += HEAD + payload;
    }
    contents
}

/// Kind, sequence and length of the payload of the record at the front.
fn next(bytes: &[u8]) -> Option<(u8, u64, usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let (kind, rest) = rest.split_first()?;
    let (sequence, rest) = rest.split_first_chunk::<8>()?;
    let sequence = u64::from_le_bytes(*sequence);
    let payload = rest.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    (checksum(*kind, sequence, payload) == u32::from_le_bytes(*sum)).then_some((*kind, sequence, payload.len()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn log() -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        assert!(delivery(&mut file, 1, b"one"));
        assert!(delivery(&mut file, 2, b""));
        file.extend(settled(1));
        assert!(delivery(&mut file, 3, b"three"));
        file
    }

    #[test]
    fn what_is_settled_is_not_live() {
        let file = log();
        let contents = read(&file);
        assert_eq!(contents.live.keys().copied().collect::<Vec<_>>(), [2, 3]);
        assert_eq!((contents.sound, contents.last), (file.len(), 3));
        let (offset, length) = contents.live[&3];
        let at = usize::try_from(offset).unwrap();
        assert_eq!(&file[at..at + length], b"three");
    }

    #[test]
    fn wherever_it_is_torn_the_sound_part_is_read() {
        let file = log();
        for end in 0..file.len() {
            let contents = read(&file[..end]);
            assert!(contents.sound <= end);
            assert!(!contents.live.contains_key(&3), "torn at {end}");
        }
    }

    #[test]
    fn wherever_a_bit_flips_nothing_wrong_is_read() {
        let file = log();
        for at in 0..file.len() {
            let mut bad = file.clone();
            bad[at] ^= 0x10;
            for (sequence, (offset, length)) in read(&bad).live {
                let at = usize::try_from(offset).unwrap();
                let expected: &[u8] = match sequence {
                    1 => b"one",
                    2 => b"",
                    3 => b"three",
                    other => unreachable!("{other}"),
                };
                assert_eq!(&bad[at..at + length], expected);
            }
        }
    }
}
