"""The hub's management API, as far as the benchmark needs it."""

import json
import time
import urllib.error
import urllib.request


def call(url, path, token, body=None):
    """One JSON request; any refusal ends the benchmark."""
    request = urllib.request.Request(
        url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            text = response.read()
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{path} answered {error.code}: {error.read().decode(errors='replace')}") from error
    return json.loads(text) if text else None


def seed(url, token, lab_url, limits=None):
    """One user with a budget, one key, one provider; returns the key. With `limits` user and key have those."""
    user = call(url, "/api/v1/users", token, {"name": "bench"} | (limits or {"limit_daily_usd": "1000000"}))
    key = call(url, f"/api/v1/users/{user['id']}/keys", token, {"name": "bench"} | (limits or {}))
    provider = {
        "name": "simulated",
        "url": lab_url,
        "provider_type": "claude",
        "credential": "sk-simulated-credential",
    }
    call(url, "/api/v1/providers", token, provider)
    return key["key"]


def check_records(url, token):
    """The hub must have recorded and priced what it carried, else it was measured doing less than its job."""
    for _ in range(100):
        items = call(url, "/api/v1/requests?limit=1", token)["items"]
        if items:
            newest = items[0]
            if newest["status"] != 200 or newest["cost_usd"] is None or not newest["output_tokens"]:
                raise SystemExit(f"the hub recorded without status, usage or cost: {newest}")
            return
        time.sleep(0.1)
    raise SystemExit("the hub recorded no request")


def script_lab(lab_url, behaviour):
    """Sets how the simulated provider answers from now on."""
    request = urllib.request.Request(
        lab_url + "/lab/scenario",
        data=json.dumps({"default": behaviour}).encode(),
        headers={"content-type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()
