//! What a process costs, by the kernel's own accounting.

use std::fs;
use std::io;
use std::time::Duration;

/// The time on a processor of all threads of a process. To the nanosecond, where `/proc/PID/stat` counts in hundredths
/// of a second; a thread that has ended is forgotten.
pub(crate) fn cpu(pid: u32) -> io::Result<Duration> {
    let mut total = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        // It may end while we look.
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        let spent = text.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok());
        total += spent.ok_or_else(|| unreadable("schedstat"))?;
    }
    Ok(Duration::from_nanos(total))
}

/// Bytes of a process that are in memory.
pub(crate) fn memory(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = resident.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib << 10).ok_or_else(|| unreadable("status"))
}

fn unreadable(file: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("/proc/PID/{file} is in no form that we know"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_and_so_is_memory() {
        let pid = std::process::id();
        let (before, start) = (cpu(pid).expect("a kernel that counts"), std::time::Instant::now());
        let mut held = vec![1_u8; 8 << 20];
        while start.elapsed() < Duration::from_millis(30) {
            held.iter_mut().for_each(|byte| *byte = byte.wrapping_add(1));
        }
        let spent = cpu(pid).expect("a kernel that counts").saturating_sub(before);
        assert!(spent > Duration::ZERO, "{spent:?}");
        assert!(memory(pid).expect("a kernel that counts") > 8 << 20, "{}", held.len());
        assert!(cpu(u32::MAX).is_err() && memory(u32::MAX).is_err());
    }
}
