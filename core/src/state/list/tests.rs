//! The list's packing, its fixed points, and every mangled path refused.

use super::*;

const AT: fn(u64) -> LeafIndex = LeafIndex::new;

#[test]
fn fixed_points_of_the_design_hold() {
    let zeros = Chunk::zeros();
    assert_eq!(
        hex::encode(zeros.hash().as_bytes()),
        "4465d89da4f7f71b0ce211c9a63e834aa9c869358b85a9a64a9988eea3d6b7f0"
    );
    let mut list = StatusList::new();
    list.extend_to(1);
    assert_eq!(list.root().as_bytes(), zeros.hash().as_bytes());
    list.set(AT(0), Code::Ended);
    assert_eq!(
        hex::encode(list.root().as_bytes()),
        "180ad21e608167129069f8b0bd00d18ab5d76b60afaced550714f110b64c39d1"
    );
}

#[test]
fn codes_are_packed_least_significant_first() {
    let mut list = StatusList::new();
    list.extend_to(6);
    for (index, code) in [
        (0, Code::Superseded),
        (1, Code::Ended),
        (2, Code::Suspended),
        (4, Code::Ended),
        (4, Code::Suspended),
        (0, Code::Ended),
    ] {
        list.set(AT(index), code);
        assert_eq!(list.get(AT(index)), Some(code));
    }
    assert_eq!(
        &list.chunk(0).unwrap().as_bytes()[..3],
        &[0b0010_0101, 0b0000_0010, 0]
    );
    assert_eq!(list.get(AT(3)), Some(Code::Active));
    assert_eq!(list.get(AT(6)), None);
    assert_eq!(list.get(AT(u64::MAX)), None);
    assert_eq!(list.chunk(1), None);
}

#[test]
fn statuses_have_their_codes() {
    let codes: Vec<u8> = Status::ALL.map(|status| Code::from(status) as u8).to_vec();
    assert_eq!(codes, [0, 2, 3, 1, 1, 1, 1]);
}

#[test]
fn clone_keeps_its_codes_and_root() {
    let mut list = sample(CODES_PER_CHUNK + 10);
    let (clone, root) = (list.clone(), list.root());
    list.set(AT(CODES_PER_CHUNK + 1), Code::Suspended);
    let unsettled = list.root();
    list.settle();
    assert_eq!(list.root(), unsettled, "settling changes the cost alone");
    assert_ne!(list.root(), root);
    assert_eq!(clone.root(), root);
    assert_eq!(clone.get(AT(CODES_PER_CHUNK + 1)), Some(Code::Active));
}

#[test]
fn list_is_rebuilt_from_its_chunks() {
    let list = sample(3 * CODES_PER_CHUNK + 2);
    let chunks: Vec<Chunk> = list.chunks().cloned().collect();
    let rebuilt = StatusList::from_chunks(list.len(), chunks.clone()).unwrap();
    assert_eq!(rebuilt.root(), list.root());
    assert_eq!(
        StatusList::from_chunks(3 * CODES_PER_CHUNK, chunks.clone()).err(),
        Some(ListError::WrongChunks { got: 4, want: 3 })
    );
    assert_eq!(
        StatusList::from_chunks(3 * CODES_PER_CHUNK + 1, chunks).err(),
        Some(ListError::Padding)
    );
}

#[test]
fn chunks_are_proved_and_only_as_they_are() {
    for chunks in [1_u64, 2, 3, 4, 5, 8] {
        let len = (chunks - 1) * CODES_PER_CHUNK + 9;
        let list = sample(len);
        let root = list.root();
        for number in 0..chunks {
            let chunk = list.chunk(number).unwrap();
            let path = list.path(number).unwrap();
            let verify = |len, number, path: &[NodeHash]| {
                verify_chunk(root, len, number, chunk.clone(), path)
            };
            let proven = verify(len, number, &path).unwrap();
            let at = AT(number * CODES_PER_CHUNK + 3);
            assert_eq!(proven.code(at), Ok(list.get(at).unwrap()));
            for wrong in [0, 1, number + 1, number + 2, u64::MAX] {
                assert!(wrong == number || verify(len, wrong, &path).is_err());
            }
            for wrong in [0, len + CODES_PER_CHUNK, len + 64 * CODES_PER_CHUNK] {
                assert!(
                    verify(wrong, number, &path).is_err() || wrong_size_same_path(chunks, number)
                );
            }
            for at in 0..path.len() {
                let mut bytes = *path[at].as_bytes();
                bytes[at] ^= 1;
                let mut flipped = path.clone();
                flipped[at] = NodeHash::from_bytes(bytes);
                assert!(verify(len, number, &flipped).is_err());
                let mut less = path.clone();
                less.remove(at);
                assert!(verify(len, number, &less).is_err());
            }
            let more = [&path[..], &[NodeHash::from_bytes([0; 32])]].concat();
            assert!(verify(len, number, &more).is_err());
            let mut bytes = chunk.as_bytes().to_vec();
            bytes[100] ^= 1;
            let wrong = Chunk::from_bytes(&bytes).unwrap();
            assert!(verify_chunk(root, len, number, wrong, &path).is_err());
        }
        assert_eq!(list.path(chunks), None);
    }
}

#[test]
fn index_past_the_end_has_no_code() {
    let list = sample(CODES_PER_CHUNK + 9);
    let prove = |number| {
        verify_chunk(
            list.root(),
            list.len(),
            number,
            list.chunk(number).unwrap().clone(),
            &list.path(number).unwrap(),
        )
        .unwrap()
    };
    let last = prove(1);
    assert!(last.code(AT(CODES_PER_CHUNK + 8)).is_ok());
    for outside in [
        CODES_PER_CHUNK + 9,
        CODES_PER_CHUNK - 1,
        2 * CODES_PER_CHUNK,
        u64::MAX,
    ] {
        let index = AT(outside);
        assert_eq!(last.code(index), Err(ListError::NotCovered { index }));
    }
    assert!(prove(0).code(AT(CODES_PER_CHUNK)).is_err());
}

#[test]
fn code_past_the_end_is_refused() {
    let mut bytes = Chunk::zeros().as_bytes().to_vec();
    bytes[1] = 0b0000_0100;
    let chunk = Chunk::from_bytes(&bytes).unwrap();
    let root = WholeTree::new([chunk.hash()]).root();
    assert!(verify_chunk(root, 6, 0, chunk.clone(), &[]).is_ok());
    assert_eq!(
        verify_chunk(root, 5, 0, chunk, &[]).err(),
        Some(ListError::Padding)
    );
    assert!(Chunk::from_bytes(&bytes[1..]).is_err());
}

/// A list with a code in each chunk and one on its last index.
fn sample(len: u64) -> StatusList {
    let mut list = StatusList::new();
    list.extend_to(len / 2);
    list.extend_to(len);
    for number in 0..chunks_of(len) {
        let code = [Code::Ended, Code::Suspended, Code::Superseded];
        let which = usize::try_from(number % 3).unwrap();
        list.set(AT((number * CODES_PER_CHUNK + 3).min(len - 1)), code[which]);
    }
    list.set(AT(len - 1), Code::Ended);
    list
}

/// Whether a longer list would give this chunk a path of the same length and sides.
fn wrong_size_same_path(chunks: u64, number: u64) -> bool {
    use crate::merkle::inclusion_length;
    let length = |size| inclusion_length(AT(number), TreeSize::new(size));
    length(chunks) == length(chunks + 1)
}
