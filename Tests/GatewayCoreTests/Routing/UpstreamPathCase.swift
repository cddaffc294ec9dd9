/// Kong's truth table of upstream paths: what the upstream gets, by service path, route path, `strip_path` and `path_handling`.
///
/// Facts from Kong's specification of the router (spec/fixtures/router_path_handling_tests.lua).
struct UpstreamPathCase: Sendable, CustomStringConvertible {
    enum Handling: Sendable { case v0, v1, both }

    let service: String
    let route: String?
    /// nil stands for both.
    let strip: Bool?
    let handling: Handling
    let request: String
    let expected: String

    var description: String { "\(self.service) + \(self.route ?? "any") strip \(self.strip.map { "\($0)" } ?? "both") \(self.handling): \(self.request)" }

    private static func group(_ service: String, _ route: String?, _ cases: [(Bool?, Handling, String, String)]) -> [UpstreamPathCase] {
        cases.map { UpstreamPathCase(service: service, route: route, strip: $0.0, handling: $0.1, request: $0.2, expected: $0.3) }
    }

    static let all: [UpstreamPathCase] = [
        Self.group("/", "/", [
            (nil, .both, "/", "/"),
            (nil, .both, "/route", "/route"),
            (nil, .both, "/route/", "/route/"),
            (nil, .both, "/routereq", "/routereq"),
            (nil, .both, "/route/req", "/route/req"),
        ]),
        Self.group("/", "/route", [
            (false, .both, "/route", "/route"),
            (false, .both, "/route/", "/route/"),
            (false, .both, "/routereq", "/routereq"),
            (true, .both, "/route", "/"),
            (true, .both, "/route/", "/"),
            (true, .both, "/routereq", "/req"),
        ]),
        Self.group("/", "/route/", [
            (false, .both, "/route/", "/route/"),
            (false, .both, "/route/req", "/route/req"),
            (true, .both, "/route/", "/"),
            (true, .both, "/route/req", "/req"),
        ]),
        Self.group("/srv", "/rou", [
            (false, .v0, "/roureq", "/srv/roureq"),
            (false, .v1, "/roureq", "/srvroureq"),
            (true, .v0, "/roureq", "/srv/req"),
            (true, .v1, "/roureq", "/srvreq"),
        ]),
        Self.group("/srv/", "/rou", [
            (false, .both, "/rou", "/srv/rou"),
            (true, .v0, "/rou", "/srv"),
            (true, .v1, "/rou", "/srv/"),
        ]),
        Self.group("/service", "/", [
            (nil, .both, "/", "/service"),
            (nil, .v0, "/route", "/service/route"),
            (nil, .v1, "/route", "/serviceroute"),
            (nil, .v0, "/route/", "/service/route/"),
            (nil, .v1, "/route/", "/serviceroute/"),
            (nil, .v0, "/routereq", "/service/routereq"),
            (nil, .v1, "/routereq", "/serviceroutereq"),
            (nil, .v0, "/route/req", "/service/route/req"),
            (nil, .v1, "/route/req", "/serviceroute/req"),
        ]),
        Self.group("/service", "/route", [
            (false, .v0, "/route", "/service/route"),
            (false, .v1, "/route", "/serviceroute"),
            (false, .v0, "/route/", "/service/route/"),
            (false, .v1, "/route/", "/serviceroute/"),
            (false, .v0, "/routereq", "/service/routereq"),
            (false, .v1, "/routereq", "/serviceroutereq"),
            (true, .both, "/route", "/service"),
            (true, .both, "/route/", "/service/"),
            (true, .v0, "/routereq", "/service/req"),
            (true, .v1, "/routereq", "/servicereq"),
            (true, .v0, "/route./req", "/service/req"),
            (true, .v1, "/route./req", "/servicereq"),
            (true, .v0, "/route%2E/req", "/service/req"),
            (true, .v1, "/route%2E/req", "/servicereq"),
            (true, .v0, "/route%2e/req", "/service/req"),
            (true, .v1, "/route%2e/req", "/servicereq"),
            (true, .v0, "/route../req", "/service/req"),
            (true, .v1, "/route../req", "/servicereq"),
            (true, .v0, "/route%2E%2E/req", "/service/req"),
            (true, .v1, "/route%2E%2E/req", "/servicereq"),
            (true, .v0, "/route%2e%2E/req", "/service/req"),
            (true, .v1, "/route%2e%2E/req", "/servicereq"),
            (false, .v0, "/route./req", "/service/route./req"),
            (false, .v1, "/route./req", "/serviceroute./req"),
            (false, .v0, "/route%2E/req", "/service/route./req"),
            (false, .v1, "/route%2E/req", "/serviceroute./req"),
            (false, .v0, "/route%2e/req", "/service/route./req"),
            (false, .v1, "/route%2e/req", "/serviceroute./req"),
            (false, .v0, "/route../req", "/service/route../req"),
            (false, .v1, "/route../req", "/serviceroute../req"),
            (false, .v0, "/route%2E%2E/req", "/service/route../req"),
            (false, .v1, "/route%2E%2E/req", "/serviceroute../req"),
            (false, .v0, "/route%2e%2E/req", "/service/route../req"),
            (false, .v1, "/route%2e%2E/req", "/serviceroute../req"),
        ]),
        Self.group("/service", "/route/", [
            (false, .v0, "/route/", "/service/route/"),
            (false, .v1, "/route/", "/serviceroute/"),
            (false, .v0, "/route/req", "/service/route/req"),
            (false, .v1, "/route/req", "/serviceroute/req"),
            (true, .v0, "/route/", "/service/"),
            (true, .v1, "/route/", "/service"),
            (true, .v0, "/route/req", "/service/req"),
            (true, .v1, "/route/req", "/servicereq"),
        ]),
        Self.group("/service/", "/", [
            (nil, .v0, "/route/", "/service/route/"),
            (nil, .v1, "/route/", "/service/route/"),
            (nil, .both, "/", "/service/"),
            (nil, .both, "/route", "/service/route"),
            (nil, .both, "/routereq", "/service/routereq"),
            (nil, .both, "/route/req", "/service/route/req"),
        ]),
        Self.group("/service/", "/route", [
            (false, .both, "/route", "/service/route"),
            (false, .both, "/route/", "/service/route/"),
            (false, .both, "/routereq", "/service/routereq"),
            (true, .v0, "/route", "/service"),
            (true, .v1, "/route", "/service/"),
            (true, .both, "/route/", "/service/"),
            (true, .both, "/routereq", "/service/req"),
            (true, .both, "/route./req", "/service/req"),
            (true, .both, "/route%2E/req", "/service/req"),
            (true, .both, "/route%2e/req", "/service/req"),
            (true, .both, "/route../req", "/service/req"),
            (true, .both, "/route%2E%2E/req", "/service/req"),
            (true, .both, "/route%2e%2E/req", "/service/req"),
            (false, .both, "/route./req", "/service/route./req"),
            (false, .both, "/route%2E/req", "/service/route./req"),
            (false, .both, "/route%2e/req", "/service/route./req"),
            (false, .both, "/route../req", "/service/route../req"),
            (false, .both, "/route%2E%2E/req", "/service/route../req"),
            (false, .both, "/route%2e%2E/req", "/service/route../req"),
        ]),
        Self.group("/service/", "/route/", [
            (false, .both, "/route/", "/service/route/"),
            (false, .both, "/route/req", "/service/route/req"),
            (true, .both, "/route/", "/service/"),
            (true, .both, "/route/req", "/service/req"),
        ]),
        Self.group("/", nil, [
            (nil, .both, "/", "/"),
            (nil, .both, "/route", "/route"),
            (nil, .both, "/route/", "/route/"),
        ]),
        Self.group("/service", nil, [
            (nil, .both, "/", "/service"),
            (nil, .v0, "/route", "/service/route"),
            (nil, .v1, "/route", "/serviceroute"),
            (nil, .v0, "/route/", "/service/route/"),
            (nil, .v1, "/route/", "/serviceroute/"),
        ]),
        Self.group("/service/", nil, [
            (nil, .both, "/", "/service/"),
            (nil, .both, "/route", "/service/route"),
            (nil, .both, "/route/", "/service/route/"),
        ]),
    ].flatMap { $0 }
}
