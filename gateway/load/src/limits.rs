//! Whether the system lets us open as many connections as the load needs.

use std::fs;

use crate::Failure;

/// Raises our limit of open files, which the servers inherit, and looks whether it does.
///
/// # Errors
///
/// It does not, or there are not so many ports; says what helps.
pub fn check(files: u64) -> Result<(), Failure> {
    let allowed = rlimit::increase_nofile_limit(u64::MAX)?;
    suffices(files, allowed, ports())
}

fn suffices(files: u64, allowed: u64, ports: Option<u64>) -> Result<(), Failure> {
    if files > allowed {
        let remedy =
            "raise the hard limit (ulimit -Hn, LimitNOFILE=, docker run --ulimit nofile=), or ask for less";
        return Err(
            format!("this load needs {files} open files, and the system allows {allowed}; {remedy}").into()
        );
    }
    match ports {
        Some(ports) if files > ports => {
            let remedy = "widen it (sysctl net.ipv4.ip_local_port_range=\"10000 65535\"), or ask for less";
            Err(format!("this load needs {files} ports, and the system's range has {ports}; {remedy}").into())
        }
        Some(_) | None => Ok(()),
    }
}

/// From which connections to one server get theirs.
fn ports() -> Option<u64> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = range.split_whitespace().map_while(|end| end.parse::<u64>().ok());
    let (first, last) = (ends.next()?, ends.next()?);
    Some((last + 1).saturating_sub(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_does_not_allow_is_refused_with_what_helps() {
        let said =
            |files, allowed, ports| suffices(files, allowed, ports).err().map(|error| error.to_string());
        assert_eq!(said(1000, 1000, Some(1000)), None);
        assert_eq!(said(1000, 1000, None), None);
        assert!(
            said(1001, 1000, None).is_some_and(|said| said.contains("1001") && said.contains("ulimit -Hn"))
        );
        assert!(said(1001, 2000, Some(1000)).is_some_and(|said| said.contains("ip_local_port_range")));
        assert!(ports().is_some_and(|ports| ports > 0));
    }
}
