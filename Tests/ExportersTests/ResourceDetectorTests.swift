import Testing

@testable import Exporters

@Suite struct ResourceDetectorTests {
    private static let container = String(repeating: "c0", count: 32)
    private static let layer = String(repeating: "1a", count: 32)
    private static let other = String(repeating: "e7", count: 32)

    /// `container.id` under control groups version 2 in a name space of their own, with these mounts.
    private func detected(_ mounts: String, environment: [String: String] = [:]) -> String? {
        ResourceDetector(environment: environment) { path in
            switch path {
            case "/proc/self/cgroup": "0::/\n"
            case "/proc/self/mountinfo": mounts
            default: nil
            }
        }.detect().first { $0.name == "container.id" }?.value
    }

    private static let docker = """
        612 533 0:68 / / rw,relatime master:280 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/ABC:/var/lib/docker/overlay2/l/DEF,\
        upperdir=/var/lib/docker/overlay2/\(layer)/diff,workdir=/var/lib/docker/overlay2/\(layer)/work
        613 612 0:71 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
        619 612 259:2 /var/lib/docker/containers/\(container)/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/nvme0n1p2 rw
        620 612 259:2 /var/lib/docker/containers/\(container)/hostname /etc/hostname rw,relatime - ext4 /dev/nvme0n1p2 rw
        621 612 259:2 /var/lib/docker/containers/\(container)/hosts /etc/hosts rw,relatime - ext4 /dev/nvme0n1p2 rw

        """

    @Test func `Docker's container is the one whose files are mounted and not a layer of its image`() {
        #expect(self.detected(Self.docker) == Self.container)
    }

    @Test func `Podman's container is named beside its user data`() {
        let podman = """
            1024 980 0:75 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/containers/storage/overlay/l/XYZ,\
            upperdir=/var/lib/containers/storage/overlay/\(Self.layer)/diff,workdir=/var/lib/containers/storage/overlay/\(Self.layer)/work
            1030 1024 0:25 /containers/storage/overlay-containers/\(Self.container)/userdata/hostname /etc/hostname rw,nosuid,nodev - tmpfs tmpfs rw
            1031 1024 0:25 /containers/storage/overlay-containers/\(Self.container)/userdata/hosts /etc/hosts rw,nosuid,nodev - tmpfs tmpfs rw
            """
        #expect(self.detected(podman) == Self.container)
    }

    @Test func `outside a container the mounts of others name none`() {
        let host = """
            26 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
            880 26 0:61 / /var/lib/docker/overlay2/\(Self.layer)/merged rw,relatime shared:400 - overlay overlay rw,upperdir=/var/lib/docker/overlay2/\(Self.layer)/diff
            881 26 0:62 / /var/lib/docker/containers/\(Self.other)/mounts/shm rw,nosuid,nodev,noexec,relatime shared:401 - tmpfs shm rw
            """
        #expect(self.detected(host) == nil)
    }

    @Test func `a pod's sandbox is not the container`() {
        let containerd = """
            900 800 0:80 / / rw,relatime - overlay overlay rw,upperdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs
            901 900 259:2 /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/\(Self.other)/hostname /etc/hostname rw,relatime - ext4 /dev/nvme0n1p2 rw
            902 900 259:2 /var/lib/kubelet/pods/0d3c/etc-hosts /etc/hosts rw,relatime - ext4 /dev/nvme0n1p2 rw
            """
        #expect(self.detected(containerd) == nil)
        // The files of Docker's containers are the sandbox's in a pod as well.
        #expect(self.detected(Self.docker, environment: ["KUBERNETES_SERVICE_HOST": "10.0.0.1"]) == nil)
    }

    @Test(arguments: ["12:memory:/docker/%\n0::/\n", "0::/system.slice/docker-%.scope\n", "0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-%.scope\n"])
    func `the control group comes first where it names the container`(group: String) {
        let text = group.replacing("%", with: Self.container)
        let detected = ResourceDetector(environment: [:]) { path in
            switch path {
            case "/proc/self/cgroup": text
            case "/proc/self/mountinfo": Self.docker.replacing(Self.container, with: Self.other)
            default: nil
            }
        }.detect()
        #expect(detected.first { $0.name == "container.id" }?.value == Self.container)
    }
}
