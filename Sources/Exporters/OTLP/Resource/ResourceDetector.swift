#if canImport(Glibc)
    import Glibc
#endif

/// What the process knows of itself and of where it runs: resource attributes beside those that are configured.
///
/// Names: https://opentelemetry.io/docs/specs/semconv/resource/ (service, host, os, process, container, k8s). The command line is left out:
/// it may hold secrets.
public struct ResourceDetector: Sendable {
    /// Reads a small text file; nil where there is none.
    public typealias Read = @Sendable (_ path: String) -> String?

    private let environment: [String: String]
    private let read: Read

    public init(environment: [String: String], read: @escaping Read) {
        self.environment = environment
        self.read = read
    }

    /// In the order in which they are sent; names are unique.
    public func detect() -> [(name: String, value: String)] { self.host() + self.process() + self.container() + self.kubernetes() }

    private func host() -> [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        var buffer = [CChar](repeating: 0, count: 256)
        if gethostname(&buffer, buffer.count - 1) == 0 {
            let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if !name.isEmpty { result.append(("host.name", name)) }
        }
        if let id = self.read("/etc/machine-id").map(ResourceDetector.line), !id.isEmpty { result.append(("host.id", id)) }
        #if arch(x86_64)
            result.append(("host.arch", "amd64"))
        #elseif arch(arm64)
            result.append(("host.arch", "arm64"))
        #endif
        result.append(("os.type", "linux"))
        return result
    }

    private func process() -> [(name: String, value: String)] {
        var result = [(name: "process.pid", value: "\(getpid())"), (name: "process.executable.name", value: "pellucid"), (name: "process.runtime.name", value: "swift")]
        var path = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &path, path.count - 1)
        if length > 0 { result.append(("process.executable.path", String(decoding: path.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self))) }
        return result
    }

    /// 64 hex digits in the control group (version 1, or the host's name space) or, where that is hidden (version 2), in the mounts.
    private func container() -> [(name: String, value: String)] {
        let group = self.read("/proc/self/cgroup").flatMap { $0.split(separator: "\n").lazy.compactMap(ResourceDetector.identifier).first }
        // In a pod these files belong to the sandbox, which all its containers share.
        let isPod = self.environment["KUBERNETES_SERVICE_HOST"] != nil
        let id = group ?? (isPod ? nil : self.read("/proc/self/mountinfo").flatMap(ResourceDetector.mountedContainer))
        return id.map { [("container.id", $0)] } ?? []
    }

    /// The container whose files the engine has put over those of the image. Other lines name layers, or containers of a host that this runs on.
    ///
    /// `… root mountpoint …` are the fourth and fifth field (proc_pid_mountinfo(5)); the root is `…/containers/<id>/hostname` of Docker and
    /// `…/overlay-containers/<id>/userdata/hostname` (or another driver's name) of Podman.
    private static func mountedContainer(_ mounts: String) -> String? {
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count > 4, ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"].contains(fields[4]) else { continue }
            let parts = fields[3].split(separator: "/")
            for (folder, part) in zip(parts, parts.dropFirst()) where folder == "containers" || folder.hasSuffix("-containers") {
                if ResourceDetector.identifier(in: part) == String(part) { return String(part) }
            }
        }
        return nil
    }

    private static func identifier(in line: Substring) -> String? {
        for part in line.utf8.split(whereSeparator: { !ResourceDetector.isHex($0) }) where part.count == 64 { return String(Substring(part)) }
        return nil
    }

    private static func isHex(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) }

    /// The names that manifests give the downward API's values; only where Kubernetes runs this.
    private func kubernetes() -> [(name: String, value: String)] {
        guard self.environment["KUBERNETES_SERVICE_HOST"] != nil else { return [] }
        let account = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
        let candidates: [(name: String, variables: [String], fallback: String?)] = [
            ("k8s.pod.name", ["K8S_POD_NAME", "POD_NAME", "HOSTNAME"], nil),
            ("k8s.pod.uid", ["K8S_POD_UID", "POD_UID"], nil),
            ("k8s.namespace.name", ["K8S_NAMESPACE_NAME", "K8S_NAMESPACE", "POD_NAMESPACE"], self.read(account).map(ResourceDetector.line)),
            ("k8s.node.name", ["K8S_NODE_NAME", "NODE_NAME"], nil),
            ("k8s.deployment.name", ["K8S_DEPLOYMENT_NAME"], nil),
            ("k8s.container.name", ["K8S_CONTAINER_NAME", "CONTAINER_NAME"], nil),
            ("k8s.cluster.name", ["K8S_CLUSTER_NAME"], nil),
        ]
        return candidates.compactMap { name, variables, fallback in
            let value = variables.compactMap { self.environment[$0] }.first { !$0.isEmpty } ?? fallback
            return value.flatMap { $0.isEmpty ? nil : (name, $0) }
        }
    }

    private static func line(_ text: String) -> String { String(text.prefix { $0 != "\n" && $0 != " " }) }
}
