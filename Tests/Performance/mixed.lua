-- The soak's traffic: mostly chat, with streams, refused and unrouted requests among it.
local body, stream = os.getenv("BENCH_BODY"), os.getenv("BENCH_STREAM_BODY")
local headers = { ["Content-Type"] = "application/json", ["apikey"] = os.getenv("BENCH_KEY") }
local plan, count = {}, 0

function init(args)
  local path = "/v1/chat/completions"
  for n = 1, 16 do plan[n] = wrk.format("POST", path, headers, body) end
  plan[17] = wrk.format("POST", path, headers, stream)
  plan[18] = wrk.format("POST", path, headers, stream)
  plan[19] = wrk.format("POST", path, { ["Content-Type"] = "application/json" }, body)
  plan[20] = wrk.format("GET", "/nowhere", headers)
end

function request()
  count = count + 1
  return plan[count % 20 + 1]
end

function done(summary, latency, requests)
  local e = summary.errors
  -- Refused and unrouted requests are meant: a status is no error here.
  io.write(string.format('{"requests":%d,"seconds":%.6f,"errors":%d}\n', summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.timeout))
end
