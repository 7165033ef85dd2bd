-- Asks for the paths of the file $PATHS, one after the other, with the key $KEY.
local mine
function setup(thread) mine = thread end
function init()
  requests, position, refused = {}, 0, 0
  for path in io.lines(os.getenv("PATHS")) do
    requests[#requests + 1] = wrk.format("GET", path, { ["Authorization"] = "Bearer " .. os.getenv("KEY") })
  end
end
function request()
  position = position % #requests + 1
  return requests[position]
end
function response(status) if status ~= 200 then refused = refused + 1 end end
function done(summary, latency)
  io.write(string.format('JSON {"requests":%d,"seconds":%.4f,"p50_us":%d,"p99_us":%d,"refused":%d}\n', summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), mine:get("refused")))
end
