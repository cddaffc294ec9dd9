#if canImport(Glibc)
    import Glibc
#endif

/// Rendezvous hashing: of all targets a key goes to the one with the highest score, so that one that comes or goes moves no key between the others.
///
/// Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates" (1998); weights after Schindelhauer and Schomaker (2005): a score is weight / -ln(u), u drawn by key and
/// target.
package enum Rendezvous {
    /// - Parameters:
    ///   - seed: what makes the target the same one everywhere.
    ///   - key: what is to be placed, hashed.
    @inline(__always)
    package static func score(seed: UInt64, key: UInt64, weight: Int) -> Double { Double(weight) / -log(Mixer.unit(Mixer.mix(seed ^ key))) }
}
