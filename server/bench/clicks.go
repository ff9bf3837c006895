package bench

import (
	"fmt"
	"time"
)

// The columns of a click: about 200 bytes a row as text.
const clickColumns = `user_id bigint, session text, page text, referrer text, agent text, ts timestamptz, duration_ms int, price float8, mobile bool`

// clickViews are two aggregating views over the stream clicks.
var clickViews = []string{
	`CREATE MATERIALIZED VIEW pages AS SELECT page, count(*) AS clicks, sum(duration_ms) AS ms FROM clicks GROUP BY page`,
	`CREATE MATERIALIZED VIEW users AS SELECT user_id, count(*) AS clicks, max(ts) AS last, sum(price) AS price FROM clicks GROUP BY user_id`,
}

var agents = [...]string{
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Safari/605",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/126",
}

var clickStart = time.Date(2024, 5, 17, 12, 0, 0, 0, time.UTC)

// appendClick appends click i as a line of COPY's text format.
func appendClick(dst []byte, i int) []byte {
	ts := clickStart.Add(time.Duration(i) * 10 * time.Millisecond)
	dst = fmt.Appendf(dst, "%d\t%016x\t/products/category-%d/item-%d\thttps://www.example.com/search?q=%d\t%s\t", 1000+mix(i)%50_000,
		mix(i), i%12, mix(i+1)%2000, i%5000, agents[i%len(agents)])
	dst = ts.AppendFormat(dst, "2006-01-02 15:04:05.000-07")
	mobile := "f"
	if i%3 == 0 {
		mobile = "t"
	}
	return fmt.Appendf(dst, "\t%d\t%d.%02d\t%s\n", i%90_000, i%500, i%100, mobile)
}

// clickJSON is click i as a JSON object.
func clickJSON(i int) []byte {
	ts := clickStart.Add(time.Duration(i) * 10 * time.Millisecond)
	return fmt.Appendf(nil, `{"user_id":%d,"session":"%016x","page":"/products/item-%d","referrer":"https://www.example.com/search","ts":"%s","duration_ms":%d,"price":%d.%02d,"mobile":%v}`,
		1000+mix(i)%50_000, mix(i), mix(i+1)%2000, ts.Format("2006-01-02T15:04:05.000Z"), i%90_000, i%500, i%100, i%3 == 0)
}

// mix spreads consecutive numbers over 62 bits.
func mix(i int) int {
	x := uint64(i) + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return int((x ^ x>>31) >> 2)
}
