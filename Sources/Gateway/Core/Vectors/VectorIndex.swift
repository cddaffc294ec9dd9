#if canImport(Glibc)
    import Glibc
#endif

/// How far two vectors are apart; smaller is more alike.
public enum VectorMetric: String, Sendable, Hashable, CaseIterable {
    /// 1 minus the cosine of the angle: 0...2. A vector of length 0 is like nothing: 1.
    case cosine
    case euclidean

    /// - Precondition: both have the same number of dimensions; what one has more is not looked at.
    public func distance(_ a: [Float], _ b: [Float]) -> Double {
        let count = min(a.count, b.count)
        return a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                switch self {
                case .cosine:
                    var (dot, first, second) = (0.0, 0.0, 0.0)
                    for index in 0..<count {
                        let (x, y) = (Double(a[index]), Double(b[index]))
                        dot += x * y
                        first += x * x
                        second += y * y
                    }
                    let lengths = (first * second).squareRoot()
                    return lengths > 0 ? 1 - dot / lengths : 1
                case .euclidean:
                    var sum = 0.0
                    for index in 0..<count {
                        let difference = Double(a[index]) - Double(b[index])
                        sum += difference * difference
                    }
                    return sum.squareRoot()
                }
            }
        }
    }
}

/// A stored vector that was found.
public struct VectorMatch: Sendable, Equatable {
    /// What the vector was stored under.
    public let id: Int
    public let distance: Double

    public init(id: Int, distance: Double) {
        self.id = id
        self.distance = distance
    }
}

/// Vectors that can be searched by likeness. In memory here; a vector database implements the same.
public protocol VectorIndex: Sendable {
    /// The nearest vectors, nearest first; of equally near ones the lower id first.
    func nearest(to vector: [Float], count: Int) async throws(PluginFailure) -> [VectorMatch]
}

/// Every vector compared with the one asked for: exact, and for some thousand vectors faster than asking a database.
public struct ExactVectorIndex: VectorIndex {
    private let vectors: [(id: Int, vector: [Float])]
    private let metric: VectorMetric

    public init(_ vectors: [(id: Int, vector: [Float])], metric: VectorMetric) {
        self.vectors = vectors
        self.metric = metric
    }

    public func nearest(to vector: [Float], count: Int) async throws(PluginFailure) -> [VectorMatch] { self.search(vector, count: count) }

    /// The same without waiting.
    public func search(_ vector: [Float], count: Int) -> [VectorMatch] {
        let all = self.vectors.map { VectorMatch(id: $0.id, distance: self.metric.distance($0.vector, vector)) }
        return Array(all.sorted { ($0.distance, $0.id) < ($1.distance, $1.id) }.prefix(count))
    }
}
