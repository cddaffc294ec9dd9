/// The hash that keys of clients and operators are balanced by: FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), finished by SplitMix64's mixer so that
/// its high bits are as good as its low ones. The same in every process, so that gateways side by side agree.
public enum BalancingHash {
    public static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Mixer.mix(sum)
    }
}
