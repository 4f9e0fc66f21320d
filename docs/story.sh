# Lin, Zhou and Wu reach one ledger, told with curl. Run `make run` first, then this file with `bash docs/story.sh`.
set -euo pipefail
base=${BASE:-http://127.0.0.1:8000}

pick() { python3 -c 'import json,sys; d=json.load(sys.stdin); exec("for k in sys.argv[1].split(\".\"): d=d[int(k)] if k.isdigit() else d[k]"); print(d)' "$1"; }
post() { curl -sS -X POST "$base$1" -H "Authorization: Bearer $2" -H "Idempotency-Key: $(python3 -c 'import uuid; print(uuid.uuid4())')" -H 'Content-Type: application/json' -d "$3"; }
get() { curl -sS "$base$1" -H "Authorization: Bearer $2"; }
staff() { curl -sS "$base/$1/v1/sign-in" -H 'Content-Type: application/json' -d "{\"login\": \"$2\", \"password\": \"minhu-demo\"}" | pick token; }
lamp=$(get "/desk/v1/categories?limit=200" "$(staff desk fang)" | python3 -c 'import json,sys; print(next(c["id"] for c in json.load(sys.stdin)["items"] if c["name"]=="路灯照明"))')
grid=99010100100101   # 柳林村一网格
now=$(curl -sS "$base/readyz" | pick scheduler.heartbeat)

echo '1 · 林秀英用小程序反映'
lin=$(curl -sS "$base/miniprogram/v1/sign-in" -H 'Content-Type: application/json' -d '{"code": "dev:lin"}' | pick token)
first=$(post /miniprogram/v1/reports "$lin" "{\"body\": \"柳林村一组路口的路灯坏了三天了，晚上老人出门看不见。\", \"kind\": \"help\", \"grid\": \"$grid\"}" | pick number)

echo '2 · 周格走访，听到两件事，一件当场答复'
zhou=$(staff grid zhou)
home=$(get /grid/v1/households "$zhou" | pick items.0.id)
visit=$(post /grid/v1/visits "$zhou" "{\"key\": \"$(python3 -c 'import uuid; print(uuid.uuid4())')\", \"outcome\": \"met\", \"visited_at\": \"$now\", \"phone_at\": \"$now\", \"household_id\": $home, \"needs\": [
  {\"body\": \"门前的水沟堵了，下雨就漫上来。\", \"kind\": \"help\", \"category_id\": $lamp},
  {\"body\": \"高龄津贴要带什么材料？\", \"kind\": \"consultation\", \"category_id\": $lamp, \"answer\": \"带身份证和户口本到村部即可，我可以帮您代办。\"}]}")
second=$(echo "$visit" | pick needs.0.number)
third=$(echo "$visit" | pick needs.1.number)

echo '3 · 吴村为邻居郑守田代办'
wu=$(staff grid wu)
filed=$(post /grid/v1/filings "$wu" "{\"body\": \"门口的路灯不亮，晚上出门怕摔跤。\", \"kind\": \"help\", \"grid\": \"$grid\", \"person\": {\"name\": \"郑守田\", \"phone\": \"05570000001\"}, \"consent\": {\"method\": \"spoken\", \"witness\": \"周格\"}}")
fourth=$(echo "$filed" | pick number)
code=$(echo "$filed" | pick claim_code)

echo '4 · 四件事都在一本台账里'
fang=$(staff desk fang)
for number in $first $second $third $fourth; do get "/desk/v1/cases/$number" "$fang" | python3 -c 'import json,sys; c=json.load(sys.stdin); print("   ", c["number"], c["channel_label"], c["state_label"], c["title"])'; done

echo '5 · 吴村代办的这件走完全程'
du=$(staff desk du); he=$(staff desk he); qin=$(staff desk qin)
step() { post "/desk/v1/cases/$fourth/$1" "$2" "$3" | python3 -c 'import json,sys; c=json.load(sys.stdin); print("   ", c.get("state_label") or c)'; }
step acceptance "$fang" "{\"kind\": \"help\", \"category_id\": $lamp, \"grid\": \"$grid\"}"
step dispatch "$du" '{"lead_unit": "990101D01", "note": "老人独居，请尽快"}'
step signature "$he" '{}'
step contact "$he" '{"how": "phone", "note": "已联系老人，今天去修"}'
step result "$he" '{"reply": "路灯已经修好，谢谢您的提醒。", "note": "更换灯头一个", "solved": true}'
step review/pass "$qin" '{}'

echo '6 · 吴村不能替人评价；郑守田凭查询码评价，纸条经过吴村的手，回访员再打电话核实'
rating='{"contacted": true, "solved": true, "satisfaction": "very_satisfied"}'
post "/miniprogram/v1/cases/$fourth/rating" "$wu" "$rating" | python3 -c 'import json,sys; p=json.load(sys.stdin); print("   ", p["status"], p["title"])'
post /miniprogram/v1/look-ups/rating nobody "{\"number\": \"$fourth\", \"claim_code\": \"$code\", \"contacted\": true, \"solved\": true, \"satisfaction\": \"very_satisfied\"}" | python3 -c 'import json,sys; c=json.load(sys.stdin); print("   ", c.get("state_label") or c)'
step callbacks "$(staff desk lu)" '{"contacted": true, "solved": true, "satisfaction": "very_satisfied", "note": "本人接听，说法一致"}'

echo '7 · 时间过去十天，没有受理的两件超时，只说一次'
DEVELOPMENT_CLOCK=on "${PYTHON:-.venv/bin/python}" -m flask --app wsgi clock advance '10 days' >/dev/null
sleep "${SWEEP_WAIT:-25}"
for number in $first $second $third $fourth; do get "/desk/v1/cases/$number/entries?limit=200" "$(staff desk fang)" | python3 -c 'import json,sys; n=sum(e["action"] == "breach_clock" and (e["facts"].get("clock") == "accept") for e in json.load(sys.stdin)["items"]); print("   ", sys.argv[1], "受理超时" if n == 1 else "没有超时" if n == 0 else f"说了 {n} 次")' "$number"; done
"${PYTHON:-.venv/bin/python}" -m flask --app wsgi ledger verify
