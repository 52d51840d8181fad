package main

import (
	"crypto/rand"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// script is a log's life with a witness: sizes 0, 5, 12, 20, 21, 300, and one of eight after that.
func script(l *log) []step {
	var steps []step
	add := func(name string, ask func(*witness) error) *step {
		steps = append(steps, step{name: name, ask: ask})
		return &steps[len(steps)-1]
	}
	refuse := func(name string, want int, body string) *step {
		return add(name, func(w *witness) error { return w.refuse(body, want) })
	}
	conflict := func(name string, size int64, body string) {
		add(name, func(w *witness) error { return w.conflict(body, size) })
	}
	cosign := func(name string, body, text string) {
		add(name, func(w *witness) error { return w.cosign(body, text) })
	}
	spare := func(s *step, reason string) { s.spare = map[string]string{"litewitness": reason} }

	stranger := signer("stranger.example")
	impostor := signer(l.signer.Name())
	body, text := l.from(0, 5)

	refuse("unknown origin", 404, strings.ReplaceAll(body, l.signer.Name()+"\n", "nobody.example\n"))
	refuse("signed by another key of the same name", 403, request(0, nil, newLog(impostor).sign(text)))
	refuse("signed by nobody known", 403, request(0, nil, newLog(stranger).sign(text)))
	refuse("another size under the signature", 403, strings.Replace(body, "\n5\n", "\n6\n", 1))
	refuse("one bit of the signature flipped", 403, flipSignature(body))
	spare(refuse("a good line, then one of the same key that does not verify", 403, body+lastLine(flipSignature(body))),
		"reads the first line of a key only, and cosigns it")
	refuse("a line that does not verify, then a good one of the same key", 403, flipSignature(body)+lastLine(body))
	spare(refuse("size 0 with the root of a tree", 422, request(0, nil, l.sign(l.textOf(0, root(l, 5))))),
		"cosigns it")
	spare(refuse("a proof from size 0", 422, request(0, l.proof(3, 5), l.sign(text))),
		"cosigns it")
	empty := l.textOf(0, emptyRoot)
	cosign("size 0", request(0, nil, l.sign(empty)), empty)
	cosign("0 to 5", body, text)
	conflict("0 to 5 again", 5, body)
	again, _ := l.from(5, 5)
	cosign("5 to 5", again, text)
	refuse("5 to 5 with another root", 422, request(5, nil, l.sign(l.fork().text(5))))
	refuse("5 to 5 with a proof", 422, request(5, l.proof(4, 5), l.sign(text)))

	for _, malformed := range []struct{ name, body string }{
		{"nothing", ""},
		{"no old size", "\n" + l.sign(text)},
		{"another word than old", "new" + strings.TrimPrefix(again, "old")},
		{"a negative old size", strings.Replace(again, "old 5", "old -5", 1)},
		{"no number", strings.Replace(again, "old 5", "old five", 1)},
		{"no empty line", strings.Replace(again, "\n\n", "\n", 1)},
		{"a proof line that is not base64", strings.Replace(again, "\n\n", "\n!\n\n", 1)},
		{"a proof line of 31 bytes", strings.Replace(again, "\n\n", "\n"+strings.Repeat("A", 40)+"AA==\n\n", 1)},
		{"64 proof lines", request(5, slices.Repeat([]string{root(l, 5).String()}, 64), l.sign(text))},
	} {
		refuse("malformed: "+malformed.name, 400, malformed.body)
	}
	spare(refuse("malformed: old size with a leading zero", 400, strings.Replace(again, "old 5", "old 05", 1)),
		"reads it as 5")
	spare(refuse("malformed: old size with a sign", 400, strings.Replace(again, "old 5", "old +5", 1)),
		"reads it as 5")
	down, _ := l.from(3, 4)
	refuse("old size above the checkpoint's", 400, strings.Replace(down, "old 3", "old 5", 1))

	body, text = l.from(5, 12)
	cosign("5 to 12", body, text)
	conflict("5 to 12 again", 12, body)
	conflict("from a size it never saw", 12, strings.Replace(body, "old 5", "old 7", 1))

	proof := l.proof(12, 20)
	text = l.text(20)
	for _, wrong := range []struct {
		name  string
		proof []string
	}{
		{"without a proof", nil},
		{"a hash less", proof[:len(proof)-1]},
		{"the first hash less", proof[1:]},
		{"a hash more", append(slices.Clone(proof), proof[0])},
		{"a hash more in front", append([]string{proof[0]}, proof...)},
		{"hashes in another order", reversed(proof)},
		{"the proof of 12 to 19", l.proof(12, 19)},
		{"the proof of 11 to 20", l.proof(11, 20)},
		{"another log's proof", l.fork().proof(12, 20)},
	} {
		refuse("12 to 20: "+wrong.name, 422, request(12, wrong.proof, l.sign(text)))
	}
	for i := range proof {
		refuse("12 to 20: a bit of a hash flipped", 422, request(12, flipHash(proof, i), l.sign(text)))
	}
	refuse("12 to 20 of a fork", 422, request(12, l.fork().proof(12, 20), l.sign(l.fork().text(20))))
	refuse("12 to 20 with the fork's root", 422, request(12, proof, l.sign(l.fork().text(20))))
	cosign("12 to 20 with signatures of strangers", request(12, proof, l.sign(text, stranger)), text)

	text = l.text(21, "an extension line", "another one")
	cosign("20 to 21 with extension lines", request(20, l.proof(20, 21), l.sign(text)), text)
	body, text = l.from(21, 300)
	cosign("21 to 300", body, text)

	var bodies []string
	var sizes []int64
	for size := int64(301); size <= 308; size++ {
		body, _ := l.from(300, size)
		bodies, sizes = append(bodies, body), append(sizes, size)
	}
	add("eight at once from 300", func(w *witness) error { return w.race(bodies, sizes) })
	return steps
}

// emptyRoot is the root of a log without entries: SHA-256 of nothing.
var emptyRoot = func() tlog.Hash {
	hash, err := tlog.ParseHash("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
	if err != nil {
		panic(err)
	}
	return hash
}()

func signer(name string) note.Signer {
	skey, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		panic(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		panic(err)
	}
	return signer
}

func root(l *log, size int64) tlog.Hash {
	l.growTo(size)
	hash, err := tlog.TreeHash(size, l)
	if err != nil {
		panic(err)
	}
	return hash
}

func reversed(proof []string) []string {
	proof = slices.Clone(proof)
	slices.Reverse(proof)
	return proof
}

// flipHash gives the proof with the lowest bit of one hash's first byte flipped.
func flipHash(proof []string, which int) []string {
	hash, err := tlog.ParseHash(proof[which])
	if err != nil {
		panic(err)
	}
	hash[0] ^= 1
	proof = slices.Clone(proof)
	proof[which] = hash.String()
	return proof
}

// flipSignature changes one bit in the middle of the last line's signature.
func flipSignature(body string) string {
	at := len(body) - 20
	with := byte('A')
	if body[at] == 'A' {
		with = 'B'
	}
	return body[:at] + string(with) + body[at+1:]
}

func lastLine(body string) string {
	lines := strings.SplitAfter(strings.TrimSuffix(body, "\n"), "\n")
	return lines[len(lines)-1] + "\n"
}
