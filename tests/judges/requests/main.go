// Command requests is a log that tries its witnesses: it sends each of them the same requests of
// c2sp.org/tlog-witness, good and bad ones, and demands the answers that the specification demands.
//
//	requests -key log.key -witness litewitness=http://127.0.0.1:7390=VKEY -witness ours=http://127.0.0.1:7391=VKEY
//
// -key names a file with a signing key of golang.org/x/mod/sumdb/note. The witnesses know its log and are at size 0.
// With -new it only writes such a key, and prints the verifier key to make known to them.
package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	var witnesses []*witness
	keyFile := flag.String("key", "", "file with the log's signing key")
	origin := flag.String("new", "", "make a key for the log of this origin, and do nothing else")
	flag.Func("witness", "NAME=URL=VKEY of a witness", func(text string) error {
		w, err := parseWitness(text)
		witnesses = append(witnesses, w)
		return err
	})
	flag.Parse()
	if err := run(*keyFile, *origin, witnesses); err != nil {
		fmt.Fprintf(os.Stderr, "requests: %v\n", err)
		os.Exit(1)
	}
}

func run(keyFile, origin string, witnesses []*witness) error {
	if origin != "" {
		skey, vkey, err := note.GenerateKey(rand.Reader, origin)
		if err != nil {
			return err
		}
		fmt.Println(vkey)
		return os.WriteFile(keyFile, []byte(skey+"\n"), 0o600)
	}
	skey, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(skey)))
	if err != nil {
		return err
	}
	if len(witnesses) == 0 {
		return errors.New("no witness to ask")
	}
	log := newLog(signer)
	asked, failed := 0, 0
	for _, step := range script(log) {
		for _, w := range witnesses {
			if reason, ok := step.spare[w.name]; ok {
				fmt.Printf("spared  %-12s %s: %s\n", w.name, step.name, reason)
				continue
			}
			asked++
			if err := step.ask(w); err != nil {
				failed++
				fmt.Printf("FAILED  %-12s %s: %v\n", w.name, step.name, err)
			} else {
				fmt.Printf("ok      %-12s %s\n", w.name, step.name)
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d answers are wrong", failed, asked)
	}
	fmt.Printf("all %d answers are right\n", asked)
	return nil
}

// step is one request, or a few at once, and the answer that is right.
type step struct {
	name string
	ask  func(*witness) error
	// spare names witnesses that are known to answer otherwise, and how.
	spare map[string]string
}

// witness is asked, and its cosignatures are verified.
type witness struct {
	name, url, keyName string
	keyID              uint32
	key                ed25519.PublicKey
}

// parseWitness reads NAME=URL=VKEY; the key is of c2sp.org/tlog-cosignature, algorithm 4.
func parseWitness(text string) (*witness, error) {
	parts := strings.SplitN(text, "=", 3)
	if len(parts) != 3 {
		return nil, errors.New("not NAME=URL=VKEY")
	}
	vkey := strings.SplitN(parts[2], "+", 3)
	if len(vkey) != 3 {
		return nil, errors.New("not a verifier key")
	}
	id, err := strconv.ParseUint(vkey[1], 16, 32)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(vkey[2])
	if err != nil {
		return nil, err
	}
	if len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
		return nil, errors.New("not an Ed25519 cosignature key")
	}
	url := strings.TrimRight(parts[1], "/")
	return &witness{parts[0], url, vkey[0], uint32(id), key[1:]}, nil
}

func (w *witness) post(body string) (status int, contentType, answer string, err error) {
	client := http.Client{Timeout: 30 * time.Second}
	response, err := client.Post(w.url+"/add-checkpoint", "text/plain; charset=utf-8", strings.NewReader(body))
	if err != nil {
		return 0, "", "", err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	return response.StatusCode, response.Header.Get("Content-Type"), string(data), err
}

// refuse asks and wants this status and nothing signed.
func (w *witness) refuse(body string, want int) error {
	status, _, answer, err := w.post(body)
	if err != nil {
		return err
	}
	if status != want {
		return fmt.Errorf("status %d, not %d: %q", status, want, answer)
	}
	if strings.Contains(answer, "—") {
		return fmt.Errorf("a refusal carries a signature: %q", answer)
	}
	return nil
}

// conflict asks and wants to be told the size.
func (w *witness) conflict(body string, size int64) error {
	status, contentType, answer, err := w.post(body)
	if err != nil {
		return err
	}
	if status != http.StatusConflict || contentType != "text/x.tlog.size" || answer != fmt.Sprintf("%d\n", size) {
		return fmt.Errorf("status %d, %s, %q; not 409, text/x.tlog.size, size %d", status, contentType, answer, size)
	}
	return nil
}

// cosign asks and wants a cosignature over this checkpoint's text, made now.
func (w *witness) cosign(body, text string) error {
	status, _, answer, err := w.post(body)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("status %d, not 200: %q", status, answer)
	}
	return w.verify(answer, text)
}

func (w *witness) verify(answer, text string) error {
	if !strings.HasSuffix(answer, "\n") {
		return fmt.Errorf("no newline at the end of %q", answer)
	}
	for line := range strings.Lines(answer) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		if len(fields) != 3 || fields[0] != "—" {
			return fmt.Errorf("not a signature line: %q", line)
		}
		blob, err := base64.StdEncoding.Strict().DecodeString(fields[2])
		if err != nil || len(blob) < 4 || fields[1] != w.keyName || binary.BigEndian.Uint32(blob) != w.keyID {
			continue
		}
		if len(blob) != 4+8+ed25519.SignatureSize {
			return fmt.Errorf("a cosignature of %d bytes", len(blob))
		}
		seconds := binary.BigEndian.Uint64(blob[4:])
		if age := time.Since(time.Unix(int64(seconds), 0)); age.Abs() > time.Minute {
			return fmt.Errorf("cosigned at %d, which is %v ago", seconds, age)
		}
		message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", seconds, text)
		if !ed25519.Verify(w.key, []byte(message), blob[12:]) {
			return errors.New("the cosignature does not verify")
		}
		return nil
	}
	return fmt.Errorf("no line of %s: %q", w.keyName, answer)
}

// race sends all at once; exactly one may be cosigned, the others are told its size.
func (w *witness) race(bodies []string, sizes []int64) error {
	statuses := make([]int, len(bodies))
	answers := make([]string, len(bodies))
	var wait sync.WaitGroup
	for i, body := range bodies {
		wait.Go(func() {
			var err error
			statuses[i], _, answers[i], err = w.post(body)
			if err != nil {
				answers[i] = err.Error()
			}
		})
	}
	wait.Wait()
	winner := -1
	for i, status := range statuses {
		if status == http.StatusOK {
			if winner >= 0 {
				return errors.New("two requests from one old size were both cosigned")
			}
			winner = i
		}
	}
	if winner < 0 {
		return fmt.Errorf("none was cosigned: %v", statuses)
	}
	for i, status := range statuses {
		if i != winner && (status != http.StatusConflict || answers[i] != fmt.Sprintf("%d\n", sizes[winner])) {
			return fmt.Errorf("status %d, %q; not 409 with size %d", status, answers[i], sizes[winner])
		}
	}
	return nil
}

// log is a tree of numbered entries and a key that signs any of its sizes.
type log struct {
	signer note.Signer
	hashes []tlog.Hash
}

func newLog(signer note.Signer) *log { return &log{signer: signer} }

// fork is a log with the same key whose entries differ from the first one on.
func (l *log) fork() *log {
	other := newLog(l.signer)
	other.grow([]byte("other"))
	return other
}

func (l *log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, index := range indexes {
		hashes = append(hashes, l.hashes[index])
	}
	return hashes, nil
}

func (l *log) grow(entry []byte) {
	size := int64(0)
	for tlog.StoredHashCount(size) < int64(len(l.hashes)) {
		size++
	}
	hashes, err := tlog.StoredHashes(size, entry, l)
	if err != nil {
		panic(err)
	}
	l.hashes = append(l.hashes, hashes...)
}

func (l *log) growTo(size int64) {
	for int64(len(l.hashes)) < tlog.StoredHashCount(size) {
		l.grow(fmt.Append(nil, "entry ", len(l.hashes)))
	}
}

// text gives the three lines of a checkpoint, and more if asked.
func (l *log) text(size int64, extensions ...string) string {
	l.growTo(size)
	root, err := tlog.TreeHash(size, l)
	if err != nil {
		panic(err)
	}
	return l.textOf(size, root, extensions...)
}

func (l *log) textOf(size int64, root tlog.Hash, extensions ...string) string {
	lines := append([]string{l.signer.Name(), strconv.FormatInt(size, 10), root.String()}, extensions...)
	return strings.Join(lines, "\n") + "\n"
}

func (l *log) sign(text string, signers ...note.Signer) string {
	signed, err := note.Sign(&note.Note{Text: text}, append([]note.Signer{l.signer}, signers...)...)
	if err != nil {
		panic(err)
	}
	return string(signed)
}

// proof gives the lines of a consistency proof.
func (l *log) proof(old, size int64) []string {
	l.growTo(size)
	if old == 0 || old == size {
		return nil
	}
	proof, err := tlog.ProveTree(size, old, l)
	if err != nil {
		panic(err)
	}
	var lines []string
	for _, hash := range proof {
		lines = append(lines, hash.String())
	}
	return lines
}

// request puts a body together.
func request(old int64, proof []string, signed string) string {
	lines := append([]string{"old " + strconv.FormatInt(old, 10)}, proof...)
	return strings.Join(lines, "\n") + "\n\n" + signed
}

// from gives the honest request from one size to another, and the text it wants cosigned.
func (l *log) from(old, size int64) (body, text string) {
	text = l.text(size)
	return request(old, l.proof(old, size), l.sign(text)), text
}
