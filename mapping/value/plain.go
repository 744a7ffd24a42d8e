package value

// Plain reports whether text is as most of a Vietnamese database is: UTF-8 in NFC that AppendText leaves as it is, and that
// stands in JSON without an escape. It looks at each byte once and is several times faster than asking for any of the three.
// False says only that this was not seen, as for every letter of another script.
//
// It is a state machine. A state is a number of bits to shift by, and the entry of a byte holds the next state for each state at
// its place: so a step waits for one shift, and not for memory or for the guess of a branch, which letters of two and three bytes
// among those of one defeat.
func Plain(text []byte) bool {
	state := uint64(plainStart)
	for _, c := range text {
		state = plainSteps[c] >> (state & 63)
	}
	state &= plainStates
	return state == plainInWord || state == plainStart && len(text) == 0
}

// The states of Plain. plainRefused is 0, so that an entry says nothing of the states it refuses.
const (
	plainRefused       = 6 * iota
	plainStart         // a space here would stand at the beginning, or at the end, or be the second of two
	plainInWord        // behind a character
	plainLast          // before the last byte of a character
	plainSecondOfThree // before the second of U+1E80 to U+1EFF
	plainToned         // before the third of U+1EA0 to U+1EBF, which begins at A0

	plainStates = 63 // the bits of a state
)

// plainSteps has, for each byte, the next state for each state: six bits at the place that the state is.
var plainSteps = func() (steps [256]uint64) {
	step := func(first, last byte, to uint64, from ...int) {
		for c := int(first); c <= int(last); c++ {
			for _, state := range from {
				steps[c] |= to << state
			}
		}
	}
	step(' ', ' ', plainStart, plainInWord)
	for c := byte('!'); c <= '~'; c++ {
		if c != '"' && c != '\\' {
			step(c, c, plainInWord, plainStart, plainInWord)
		}
	}
	step(0xC3, 0xCB, plainLast, plainStart, plainInWord) // U+00C0 to U+02FF: letters that NFC leaves alone, whatever of these characters follows
	step(0xE1, 0xE1, plainSecondOfThree, plainStart, plainInWord)
	step(0xBA, 0xBA, plainToned, plainSecondOfThree) // U+1EA0 to U+1EBF, and
	step(0xBB, 0xBB, plainLast, plainSecondOfThree)  // U+1EC0 to U+1EFF: the toned letters, composed
	step(0xA0, 0xBF, plainInWord, plainToned)
	step(0x80, 0xBF, plainInWord, plainLast)
	return steps
}()
