//! What the kernel says of a hub's process.

/// One look at a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) resident_kib: u64,
    pub(crate) files: u64,
    pub(crate) threads: u64,
}

impl Look {
    /// At the process with this number.
    pub(crate) fn at(pid: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches(':').trim_end_matches("kB").trim().parse().unwrap()
        };
        Self {
            resident_kib: field("VmRSS"),
            files: std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64,
            threads: field("Threads"),
        }
    }
}
