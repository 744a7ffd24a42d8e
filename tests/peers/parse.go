package main

// numberIn finds the personal number, twelve digits, in the key of an event: truc's key is the number, Debezium's an object
// around it. "" when there is none.
func numberIn(key string) string {
	digits := 0
	for i := range len(key) {
		if key[i] < '0' || key[i] > '9' {
			digits = 0
			continue
		}
		if digits++; digits == 12 {
			return key[i-11 : i+1]
		}
	}
	return ""
}

// idOf is the id of the row with a personal number; the reverse of workload.Number. ok is false for a text that is none.
func idOf(number string) (id int, ok bool) {
	if len(number) != 12 {
		return 0, false
	}
	province, last := 0, 0
	for i := range 12 {
		d := int(number[i] - '0')
		if d < 0 || d > 9 {
			return 0, false
		}
		switch {
		case i < 3:
			province = province*10 + d
		case i >= 6:
			last = last*10 + d
		}
	}
	return (province-1)*1_000_000 + last, province > 0
}
