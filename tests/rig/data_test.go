package rig

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"testing"
)

func TestFlights(t *testing.T) {
	flightsFile, airportsFile := Flights(t)
	raw, err := os.ReadFile(flightsFile)
	if err != nil {
		t.Fatal(err)
	}
	var flights []struct {
		Date, Origin, Destination string
		Delay, Distance           int
	}
	if err := json.Unmarshal(raw, &flights); err != nil {
		t.Fatal(err)
	}
	if len(flights) != 20000 || flights[0].Date == "" || flights[0].Origin == "" {
		t.Errorf("%d flights, the first is %+v", len(flights), flights[0])
	}
	f, err := os.Open(airportsFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 3000 || rows[0][0] != "iata" {
		t.Errorf("%d airports, header %v", len(rows), rows[0])
	}
}
