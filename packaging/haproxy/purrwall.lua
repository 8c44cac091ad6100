-- Asks the store whether a request may pass: `http-request lua.purrwall http://STORE/auth/ROUTE/check`.
-- If so, it sets txn.purrwall_passes, and the headers that the service is to see in place of the
-- visitor's own.

local FOR_THE_SERVICE = {
  "authorization", "cookie", "x-purrwall-payment-hash", "x-purrwall-item", "x-purrwall-timestamp",
  "x-purrwall-signature",
}
-- These describe the body and the connection of the visitor's request; the question has its own.
local NOT_ASKED = {
  ["connection"] = true, ["content-length"] = true, ["expect"] = true, ["transfer-encoding"] = true,
  ["upgrade"] = true,
}

core.register_action("purrwall", { "http-req" }, function(txn, url)
  local headers = {}
  for name, values in pairs(txn.http:req_get_headers()) do
    if not NOT_ASKED[name] then
      headers[name] = {}
      -- They are counted from 0.
      for at, value in pairs(values) do headers[name][at + 1] = value end
    end
  end
  local answer = core.httpclient():get({ url = url, headers = headers, timeout = 15000 })
  txn:set_var("txn.purrwall_passes", answer.status == 204)
  if answer.status ~= 204 then return end

  local said = answer.headers
  for _, name in ipairs(FOR_THE_SERVICE) do
    txn.http:req_del_header(name)
    for _, value in pairs(said[name] or {}) do
      if value ~= "" then txn.http:req_add_header(name, value) end
    end
  end
  if said["payment-receipt"] then txn:set_var("txn.purrwall_receipt", said["payment-receipt"][0]) end
  if said["set-cookie"] then txn:set_var("txn.purrwall_set_cookie", said["set-cookie"][0]) end
end, 1)
