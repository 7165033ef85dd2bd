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
  local a_second = summary.requests / summary.duration * 1e6
  io.write(string.format('JSON {"p50_us":%d,"a_second":%d,"refused":%d}\n', latency:percentile(50), a_second, mine:get("refused")))
end
