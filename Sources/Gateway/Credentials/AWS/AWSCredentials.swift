/// Keys that sign requests to AWS.
struct AWSCredentials: Sendable, Equatable {
    let accessKeyID: String
    let secretAccessKey: String
    var sessionToken: String?
    /// Seconds since 1970; nil: they do not end.
    var expiry: Int?
}
