// Command tlog reads a whole log of c2sp.org/tlog-tiles by URL and believes nothing of it that the Go checksum
// database's own code does not prove: golang.org/x/mod/sumdb/tlog for trees, golang.org/x/mod/sumdb/note for notes.
//
//	tlog -url http://127.0.0.1:2024 -vkey labels.g7.example+…
//
// It opens the checkpoint, reads every tile through tlog.TileHashReader, hashes every entry of every bundle, and makes
// and checks a proof for every entry and from every size that was a checkpoint of the log or may have been.
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	// A bundle of 256 entries of 64 KiB, the most its lengths can say.
	maxObject = tileWidth * (2 + 1<<16)
)

func main() {
	url := flag.String("url", "", "prefix of the log's paths")
	vkey := flag.String("vkey", "", "the log's verifier key")
	flag.Parse()
	if *url == "" || *vkey == "" || flag.NArg() != 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := judge(&server{prefix: strings.TrimRight(*url, "/")}, *vkey); err != nil {
		fmt.Fprintf(os.Stderr, "tlog: %v\n", err)
		os.Exit(1)
	}
}

func judge(log *server, vkey string) error {
	tree, origin, err := checkpoint(log, vkey)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	fmt.Printf("checkpoint: %s, %d entries, root %s, signature good\n", origin, tree.N, tree.Hash)
	hashes := tlog.TileHashReader(tree, log)
	tiles, err := readTiles(log, hashes, tree)
	if err != nil {
		return fmt.Errorf("tiles: %w", err)
	}
	fmt.Printf("tiles: %d read, each proved by the root\n", tiles)
	entries, err := readEntries(log, hashes, tree)
	if err != nil {
		return fmt.Errorf("entries: %w", err)
	}
	fmt.Printf("entries: %d read and hashed, each proved included\n", entries)
	trees, err := proveTrees(hashes, tree)
	if err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	fmt.Printf("consistency: %d smaller trees proved to be its beginnings\n", trees)
	return nil
}

// checkpoint opens the log's note and reads the three lines of c2sp.org/tlog-checkpoint.
func checkpoint(log *server, vkey string) (tlog.Tree, string, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, "", err
	}
	data, err := log.get("checkpoint")
	if err != nil {
		return tlog.Tree{}, "", err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, "", err
	}
	lines := strings.Split(strings.TrimSuffix(opened.Text, "\n"), "\n")
	if len(lines) != 3 {
		return tlog.Tree{}, "", fmt.Errorf("%d lines in the body, not 3", len(lines))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, "", err
	}
	if size == 0 {
		return tlog.Tree{}, "", errors.New("an empty log shows nothing")
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, lines[0], err
}

// readTiles reads every tile of the tree and compares each of its hashes with what the reader proves.
func readTiles(log *server, hashes tlog.HashReader, tree tlog.Tree) (int, error) {
	tiles := tlog.NewTiles(tileHeight, 0, tree.N)
	for _, tile := range tiles {
		data, err := log.get(path(tile))
		if err != nil {
			return 0, err
		}
		if len(data) != tile.W*tlog.HashSize {
			return 0, fmt.Errorf("%s has %d bytes", path(tile), len(data))
		}
		indexes := make([]int64, tile.W)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(tile.L*tileHeight, tile.N<<tileHeight+int64(i))
		}
		proved, err := hashes.ReadHashes(indexes)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path(tile), err)
		}
		for i, hash := range proved {
			if !bytes.Equal(hash[:], data[i*tlog.HashSize:(i+1)*tlog.HashSize]) {
				return 0, fmt.Errorf("%s: hash %d is not the tree's", path(tile), i)
			}
		}
	}
	return len(tiles), nil
}

// readEntries reads every bundle, and proves each entry to be in the tree.
func readEntries(log *server, hashes tlog.HashReader, tree tlog.Tree) (int64, error) {
	next := int64(0)
	for next < tree.N {
		width := min(tree.N-next, tileWidth)
		name := bundlePath(next/tileWidth, int(width))
		data, err := log.get(name)
		if err != nil {
			return 0, err
		}
		for end := next + width; next < end; next++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return 0, fmt.Errorf("%s ends within entry %d", name, next)
			}
			length := int(binary.BigEndian.Uint16(data))
			entry := data[2 : 2+length]
			data = data[2+length:]
			proof, err := tlog.ProveRecord(tree.N, next, hashes)
			if err != nil {
				return 0, fmt.Errorf("%s: proof of entry %d: %w", name, next, err)
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, next, tlog.RecordHash(entry)); err != nil {
				return 0, fmt.Errorf("%s: entry %d: %w", name, next, err)
			}
		}
		if len(data) != 0 {
			return 0, fmt.Errorf("%s has %d bytes too many", name, len(data))
		}
	}
	return next, nil
}

// proveTrees proves smaller trees to be beginnings of this one: all of them up to 1,000, then some of every kind.
func proveTrees(hashes tlog.HashReader, tree tlog.Tree) (int, error) {
	proved := 0
	for size := int64(1); size <= tree.N; size += 1 + size/1000 {
		root, err := tlog.TreeHash(size, hashes)
		if err != nil {
			return 0, err
		}
		proof, err := tlog.ProveTree(tree.N, size, hashes)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, size, root); err != nil {
			return 0, fmt.Errorf("size %d: %w", size, err)
		}
		proved++
	}
	return proved, nil
}

// server gives a log's files; it is a tlog.TileReader. What it has read it keeps, so that every object is asked for once.
type server struct {
	prefix string
	files  map[string][]byte
}

func (s *server) Height() int { return tileHeight }

func (s *server) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range tiles {
		file, err := s.get(path(tile))
		if err != nil {
			return nil, err
		}
		data = append(data, file)
	}
	return data, nil
}

func (s *server) SaveTiles([]tlog.Tile, [][]byte) {}

func (s *server) get(name string) ([]byte, error) {
	if data, ok := s.files[name]; ok {
		return data, nil
	}
	client := http.Client{Timeout: 30 * time.Second}
	response, err := client.Get(s.prefix + "/" + name)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", name, response.Status)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxObject+1))
	if err == nil && len(data) > maxObject {
		err = fmt.Errorf("%s is longer than %d bytes", name, maxObject)
	}
	if err != nil {
		return nil, err
	}
	if s.files == nil {
		s.files = make(map[string][]byte)
	}
	s.files[name] = data
	return data, nil
}

// path names a tile as c2sp.org/tlog-tiles does: without the height.
func path(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}

// bundlePath names an entry bundle, which has the index and width of its leaf tile.
func bundlePath(index int64, width int) string {
	leaves := path(tlog.Tile{H: tileHeight, L: 0, N: index, W: width})
	return strings.Replace(leaves, "tile/0/", "tile/entries/", 1)
}
