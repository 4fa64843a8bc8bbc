// Judges a log with Go's own sumdb/note and sumdb/tlog. Reads it as JSON, prints what they say.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type inclusion struct {
	Index, Size int64
	Root        tlog.Hash
	Leaf        tlog.Hash
	Proof       []tlog.Hash
}

type consistency struct {
	Old, New int64
	OldRoot  tlog.Hash
	NewRoot  tlog.Hash
	Proof    []tlog.Hash
}

type question struct {
	Keys        []string // verifier keys
	Witnesses   []string // likewise, of cosignature/v1
	Signers     []string // private keys
	Notes       [][]byte
	Entries     [][]byte
	Inclusion   []inclusion
	Consistency []consistency
	Proofs      [][2]int64 // old and new: what Go would send
}

type opened struct {
	Text     string
	Verified []string // the keys whose signatures are good, name+hash
	Refused  string
}

type answer struct {
	Notes       []opened
	Signed      [][]byte // a note by each signer
	Leaves      []tlog.Hash
	Roots       []tlog.Hash // after each entry, from none on
	Inclusion   []string    // empty where the proof holds
	Consistency []string
	Proofs      [][]tlog.Hash
	Records     [][]tlog.Hash // of each entry in the whole log
}

// The hashes that tlog stores, in memory.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, index := range indexes {
		found = append(found, s[index])
	}
	return found, nil
}

// A witness of C2SP's tlog-cosignature: note brings the form of the lines, not this kind of key.
type witness struct {
	name   string
	hash   uint32
	public ed25519.PublicKey
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.hash }

func (w witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(signature), text)
	return ed25519.Verify(w.public, []byte(signed), signature[8:])
}

func readWitness(text string) (witness, error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		return witness{}, errors.New("no verifier key")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
		return witness{}, errors.New("no key of a witness")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	found := witness{parts[0], binary.BigEndian.Uint32(sum[:]), key[1:]}
	if fmt.Sprintf("%08x", found.hash) != parts[1] {
		return witness{}, errors.New("the hash is of another key")
	}
	return found, nil
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func said(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

func open(content []byte, known note.Verifiers) opened {
	parsed, err := note.Open(content, known)
	if err != nil {
		return opened{Refused: err.Error()}
	}
	found := opened{Text: parsed.Text}
	for _, signature := range parsed.Sigs {
		found.Verified = append(found.Verified, fmt.Sprintf("%s+%08x", signature.Name, signature.Hash))
	}
	return found
}

func main() {
	var asked question
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	var verifiers []note.Verifier
	for _, key := range asked.Keys {
		verifier, err := note.NewVerifier(strings.TrimSpace(key))
		must(err)
		verifiers = append(verifiers, verifier)
	}
	for _, key := range asked.Witnesses {
		verifier, err := readWitness(key)
		must(err)
		verifiers = append(verifiers, verifier)
	}
	var told answer
	for _, key := range asked.Signers {
		signer, err := note.NewSigner(strings.TrimSpace(key))
		must(err)
		signed, err := note.Sign(&note.Note{Text: "by a witness\n"}, signer)
		must(err)
		told.Signed = append(told.Signed, signed)
	}
	for _, content := range asked.Notes {
		told.Notes = append(told.Notes, open(content, note.VerifierList(verifiers...)))
	}
	var hashes stored
	size := int64(len(asked.Entries))
	for number, entry := range asked.Entries {
		added, err := tlog.StoredHashes(int64(number), entry, hashes)
		must(err)
		hashes = append(hashes, added...)
		told.Leaves = append(told.Leaves, tlog.RecordHash(entry))
	}
	for number := int64(1); number <= size; number++ {
		root, err := tlog.TreeHash(number, hashes)
		must(err)
		told.Roots = append(told.Roots, root)
		proof, err := tlog.ProveRecord(size, number-1, hashes)
		must(err)
		told.Records = append(told.Records, proof)
	}
	for _, one := range asked.Inclusion {
		told.Inclusion = append(told.Inclusion, said(tlog.CheckRecord(one.Proof, one.Size, one.Root, one.Index, one.Leaf)))
	}
	for _, one := range asked.Consistency {
		told.Consistency = append(told.Consistency, said(tlog.CheckTree(one.Proof, one.New, one.NewRoot, one.Old, one.OldRoot)))
	}
	for _, sizes := range asked.Proofs {
		proof, err := tlog.ProveTree(sizes[1], sizes[0], hashes)
		must(err)
		told.Proofs = append(told.Proofs, proof)
	}
	must(json.NewEncoder(os.Stdout).Encode(told))
}
