import Glibc
import Telemetry

/// Gauges of the process, read when somebody scrapes.
enum ProcessMetrics {
    static func register(_ registry: MetricRegistry) {
        registry.observe(Instruments.processCPU) {
            var usage = rusage()
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        }
        registry.observe(Instruments.processMemory) { Double(ProcessMetrics.residentPages() * Int(sysconf(Int32(_SC_PAGESIZE)))) }
        registry.observe(Instruments.processDescriptors) { Double(ProcessMetrics.openDescriptors()) }
    }

    /// Second field of /proc/self/statm (proc(5)).
    private static func residentPages() -> Int {
        guard let text = try? FileReader.text("/proc/self/statm") else { return 0 }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? Int(fields[1]) ?? 0 : 0
    }

    private static func openDescriptors() -> Int {
        guard let directory = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // ".", ".." and the descriptor of the walk itself.
        return max(0, count - 3)
    }

    /// Raises the soft limit of descriptors to the hard one and returns it.
    static func raiseDescriptorLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return Int(clamping: limit.rlim_cur)
    }
}
