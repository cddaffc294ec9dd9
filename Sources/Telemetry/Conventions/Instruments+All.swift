extension Instruments {
    /// Every instrument of the gateway, for documentation; a test compares the list with the sources.
    public static let all: [Instrument] = [
        serverRequestDuration, formerServerDuration, operationDuration, tokenUsage, timeToFirstChunk, timePerOutputChunk,
        genAIServerRequestDuration, genAIServerTimeToFirstToken, genAIServerTimePerOutputToken, stageDuration, overheadDuration,
        requestsFinished, requestsInFlight, cost, costMisses, providerLimit, providerRemaining, droppedScopes, samplingDecisions, balancerSelections,
        balancerFailures, sanitizerRestored, sanitizerUnknown, balancerHedges, balancerCircuit, balancerInFlight, balancerLatency, balancerUsage, balancerMirror, requestsUnaccounted,
        telemetryDropped, evidenceRefused, consumerDelivered, consumerQueued, consumerSampledOut, possibleDuplicates, seriesOverflow,
        auditHeadSeq, auditHeadHash, auditSegments, exportDropped, exportQueueItems, exportQueueBytes, exportDelay,
        spoolDegraded, spoolRecovered, spoolWritten, spoolDamaged, sdkExporterSpanExported, sdkExporterSpanInflight,
        sdkExporterOperationDuration, sdkProcessorQueueSize, sdkProcessorQueueCapacity, sdkProcessorSpanProcessed, sdkExporterLogExported,
        sdkExporterLogInflight, sdkExporterDataPointExported, sdkExporterDataPointInflight, sdkProcessorLogQueueSize,
        sdkProcessorLogQueueCapacity, sdkProcessorLogProcessed, configInfo, configReloads, buildInfo, connectionsOpen, connectionsRefused, protocolErrors, upstreamConnections, dnsLookupDuration,
        dnsAnswers, targetHealthy, targetInFlight, processCPU, processMemory, processDescriptors,
    ]
}

extension KongMetrics {
    /// Those that stand under Kong's names when its `prometheus` plugin is configured.
    public static let instruments: [Instrument] = [
        requests, kongLatency, upstreamLatency, requestLatency, bandwidthBytes, operations, cost, tokens, providerLatency,
        Instruments.kongTargetHealth,
    ]
}
