-- Posts the deliveries of the file $BODIES, one after the other.
local mine
function setup(thread) mine = thread end
function init()
  requests, position, wraps, refused = {}, 0, 0, 0
  for line in io.lines(os.getenv("BODIES")) do
    local new, old, body = line:match("^(%x+)\t(%x+)\t(.*)$")
    requests[#requests + 1] = wrk.format("POST", nil, {
      ["Content-Type"] = "application/json",
      ["X-Hub-Signature-256"] = "sha256=" .. new,
      ["X-Hub-Signature"] = "sha1=" .. old }, body)
  end
end
function request()
  position = position + 1
  if position > #requests then position = 1; wraps = wraps + 1 end
  return requests[position]
end
function response(status) if status ~= 200 then refused = refused + 1 end end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'JSON {"requests":%d,"seconds":%.4f,"p50_us":%d,"p99_us":%d,"max_us":%d,"refused":%d,"errors":%d,"wraps":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    latency.max, mine:get("refused"), e.connect + e.read + e.write + e.timeout, mine:get("wraps")))
end
