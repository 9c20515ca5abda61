//! A `.zip` file that holds one CSV file, as Binance's archive serves them, read as it is unpacked and checked against
//! its sum. Deflate and stored only; neither encryption nor the form for more than four gibibytes.

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Seek, SeekFrom};

/// What a `.zip` file begins with: the header of its first member.
pub(super) const MAGIC: [u8; 4] = *b"PK\x03\x04";
const MEMBER: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
/// Length of the record at the end, without its comment, which has 65,535 bytes at most.
const END_BYTES: usize = 22;
/// A list of members longer than this is not that of one file.
const LIST_BYTES_MAX: u64 = 1024 * 1024;
/// Says that the number stands elsewhere, in a file too large for these fields.
const ELSEWHERE: u32 = u32::MAX;

/// A member as the list at the end tells it.
struct Member {
    name: String,
    is_encrypted: bool,
    method: u16,
    crc: u32,
    packed: u32,
    size: u32,
    header_at: u32,
}

/// The one CSV file inside.
///
/// # Errors
/// Of the system, and of kind `InvalidData` with what is wrong with the archive.
pub(super) fn open(mut file: File) -> Result<Box<dyn BufRead>, Error> {
    let member = only_member(&mut file)?;
    if member.is_encrypted {
        return Err(bad("is encrypted"));
    }
    if [member.packed, member.size, member.header_at].contains(&ELSEWHERE) {
        return Err(bad("is a zip64 archive, which is not read"));
    }
    let mut header = [0; 30];
    file.seek(SeekFrom::Start(member.header_at.into()))?;
    file.read_exact(&mut header)?;
    if !header.starts_with(&MAGIC) {
        return Err(bad("has no member where its list says so"));
    }
    let extra = i64::from(short(&header, 26)) + i64::from(short(&header, 28));
    file.seek_relative(extra)?;
    let packed = BufReader::with_capacity(64 * 1024, file.take(member.packed.into()));
    let inner: Box<dyn Read> = match member.method {
        0 => Box::new(packed),
        8 => Box::new(DeflateDecoder::new(packed)),
        other => return Err(bad(&format!("is packed by method {other}, not by deflate"))),
    };
    let checked = Checked { inner, seen: Crc::new(), crc: member.crc, size: member.size };
    Ok(Box::new(BufReader::with_capacity(64 * 1024, checked)))
}

fn only_member(file: &mut File) -> Result<Member, Error> {
    let length = file.seek(SeekFrom::End(0))?;
    let tail = length.min((END_BYTES + usize::from(u16::MAX)) as u64);
    file.seek(SeekFrom::Start(length - tail))?;
    let mut bytes = Vec::new();
    file.take(tail).read_to_end(&mut bytes)?;
    let at = bytes.windows(END_BYTES).rposition(|window| window.starts_with(&END));
    let end = &bytes[at.ok_or_else(|| bad("ends too early"))?..];
    let (size, from) = (long(end, 12), long(end, 16));
    if u64::from(size) > LIST_BYTES_MAX || from == ELSEWHERE {
        return Err(bad("holds more than one file"));
    }
    file.seek(SeekFrom::Start(from.into()))?;
    let mut list = vec![0; size as usize];
    file.read_exact(&mut list)?;
    let mut members = members(&list)?.into_iter().filter(|member| !member.name.ends_with('/'));
    match (members.next(), members.next()) {
        (Some(only), None) if only.name.ends_with(".csv") => Ok(only),
        (Some(only), None) => Err(bad(&format!("holds {}, not a .csv file", only.name))),
        (None, _) => Err(bad("holds no file")),
        (Some(_), Some(_)) => Err(bad("holds more than one file")),
    }
}

fn members(mut list: &[u8]) -> Result<Vec<Member>, Error> {
    const FIXED: usize = 46;
    let mut members = Vec::new();
    while !list.is_empty() {
        let torn = || bad("has a damaged list of members");
        if list.len() < FIXED || !list.starts_with(&MEMBER) {
            return Err(torn());
        }
        let lengths = [short(list, 28), short(list, 30), short(list, 32)].map(usize::from);
        let name = list.get(FIXED..FIXED + lengths[0]).ok_or_else(torn)?;
        members.push(Member {
            name: String::from_utf8_lossy(name).into_owned(),
            is_encrypted: short(list, 8) & 1 != 0,
            method: short(list, 10),
            crc: long(list, 16),
            packed: long(list, 20),
            size: long(list, 24),
            header_at: long(list, 42),
        });
        list = list.get(FIXED + lengths.iter().sum::<usize>()..).ok_or_else(torn)?;
    }
    Ok(members)
}

/// Numbers of fields whose place is within the bytes.
fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn bad(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what.to_owned())
}

/// What is unpacked, summed up on the way; at its end size and sum must be those that the archive tells.
struct Checked {
    inner: Box<dyn Read>,
    seen: Crc,
    crc: u32,
    size: u32,
}

impl Read for Checked {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        let count = self.inner.read(into)?;
        self.seen.update(&into[..count]);
        let is_over = count == 0 && !into.is_empty();
        if is_over && (self.seen.sum(), self.seen.amount()) != (self.crc, self.size) {
            return Err(bad("does not hold what its check sum says"));
        }
        Ok(count)
    }
}
