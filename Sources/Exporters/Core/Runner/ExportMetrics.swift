internal import Telemetry

/// The self-metrics of one stream: OpenTelemetry's (`otel.sdk.*`) and ours.
struct ExportMetrics: Sendable {
    private let registry: MetricRegistry
    private let consumer: String
    private let signal: ExportSignal
    /// `otel.component.name` of the part that sends and of the part that batches.
    let exporterName: String
    let processorName: String

    init(registry: MetricRegistry, target: ExportTarget, numbers: (exporter: Int, processor: Int)) {
        self.registry = registry
        self.consumer = "\(target.consumer)"
        self.signal = target.signal
        self.exporterName = "\(target.transport)_\(target.signal.componentWord)_exporter/\(numbers.exporter)"
        self.processorName = "batching_\(target.signal.componentWord)_processor/\(numbers.processor)"
    }

    private var labels: [String] { [self.consumer, "\(self.signal.name)"] }

    private var exported: Instrument {
        switch self.signal {
        case .traces: Instruments.sdkExporterSpanExported
        case .metrics: Instruments.sdkExporterDataPointExported
        case .logs: Instruments.sdkExporterLogExported
        }
    }

    private var inFlight: Instrument {
        switch self.signal {
        case .traces: Instruments.sdkExporterSpanInflight
        case .metrics: Instruments.sdkExporterDataPointInflight
        case .logs: Instruments.sdkExporterLogInflight
        }
    }

    private var processed: Instrument? {
        switch self.signal {
        case .traces: Instruments.sdkProcessorSpanProcessed
        case .metrics: nil
        case .logs: Instruments.sdkProcessorLogProcessed
        }
    }

    /// What shows the processor's queue; the conventions know none for metrics.
    var queue: (size: Instrument, capacity: Instrument)? {
        switch self.signal {
        case .traces: (Instruments.sdkProcessorQueueSize, Instruments.sdkProcessorQueueCapacity)
        case .metrics: nil
        case .logs: (Instruments.sdkProcessorLogQueueSize, Instruments.sdkProcessorLogQueueCapacity)
        }
    }

    func began(items: Int) { self.registry.add(self.inFlight, [self.exporterName], by: Int64(items)) }

    func ended(items: Int, seconds: Double, errorType: String) {
        self.registry.add(self.inFlight, [self.exporterName], by: -Int64(items))
        self.registry.record(Instruments.sdkExporterOperationDuration, [self.exporterName, errorType], seconds)
    }

    /// A transfer that was given up without an answer.
    func abandoned(items: Int) { self.registry.add(self.inFlight, [self.exporterName], by: -Int64(items)) }

    /// - Parameter delays: seconds from the oldest item of each batch to its delivery.
    func delivered(items: Int, rejected: Int, lostRequests: Int, delays: [Double]) {
        self.registry.add(self.exported, [self.exporterName, ""], by: Int64(items - rejected))
        if let processed { self.registry.add(processed, [self.processorName, ""], by: Int64(items)) }
        for delay in delays { self.registry.record(Instruments.exportDelay, self.labels, delay) }
        guard rejected > 0 else { return }
        self.registry.add(self.exported, [self.exporterName, "rejected"], by: Int64(rejected))
        self.lost(items: rejected, requests: lostRequests, reason: "rejected")
    }

    func possiblyDuplicated(requests: Int) {
        if requests > 0 { self.registry.add(Instruments.possibleDuplicates, [self.consumer], by: Int64(requests)) }
    }

    /// Items that the exporter was refused for good.
    func refused(items: Int, requests: Int, reason: StaticString, errorType: String) {
        self.registry.add(self.exported, [self.exporterName, errorType], by: Int64(items))
        // The processor's part ended when it handed them over; the exporter says what became of them.
        if let processed { self.registry.add(processed, [self.processorName, ""], by: Int64(items)) }
        self.lost(items: items, requests: requests, reason: reason)
    }

    /// Items that never reached the exporter.
    func dropped(items: Int, requests: Int, reason: StaticString) {
        if let processed { self.registry.add(processed, [self.processorName, "\(reason)"], by: Int64(items)) }
        self.lost(items: items, requests: requests, reason: reason)
    }

    private func lost(items: Int, requests: Int, reason: StaticString) {
        self.registry.add(Instruments.exportDropped, self.labels + ["\(reason)"], by: Int64(items))
        if requests > 0 { self.registry.add(Instruments.telemetryDropped, [self.consumer, "\(reason)"], by: Int64(requests)) }
    }

    func recovered(items: Int, damagedBytes: Int) {
        if items > 0 { self.registry.add(Instruments.spoolRecovered, self.labels, by: Int64(items)) }
        if damagedBytes > 0 { self.registry.add(Instruments.spoolDamaged, self.labels, by: Int64(damagedBytes)) }
    }

    func spooled(items: Int) { self.registry.add(Instruments.spoolWritten, self.labels, by: Int64(items)) }
}
