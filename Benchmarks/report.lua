-- Prints what Benchmarks/run reads: requests, microseconds, errors, p50 and p99 in microseconds.
function done(summary, latency)
    local errors = summary.errors
    print("RESULT", summary.requests, summary.duration,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout,
        latency:percentile(50), latency:percentile(99))
end
