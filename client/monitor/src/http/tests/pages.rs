//! What people and feed readers see.

use super::*;

#[test]
fn a_feed_is_atom_and_changes_only_with_an_alert() {
    const ATOM: &str = "http://www.w3.org/2005/Atom";
    let world = World::new();
    let empty = world.get("/feeds/quiet.atom");
    let parsed = roxmltree::Document::parse(&empty.body).unwrap();
    assert!(parsed.root_element().has_tag_name((ATOM, "feed")));
    world.tell(1..=60);
    let evil = "]]>&<b>\u{1}\u{fffe}\u{202e}\"'";
    world
        .journal
        .append(vec![Alert::own_file(evil, samples::at(99))])
        .unwrap();

    let answer = world.get("/alerts.atom");
    assert_eq!(
        answer.header("content-type"),
        Some("application/atom+xml; charset=utf-8")
    );
    let parsed = roxmltree::Document::parse(&answer.body).unwrap();
    let feed = parsed.root_element();
    let text = |node: roxmltree::Node<'_, '_>, name: &str| {
        let mut found = node
            .children()
            .filter(|child| child.has_tag_name((ATOM, name)));
        let text = found.next().unwrap().text().unwrap().to_owned();
        assert!(found.next().is_none(), "one {name}");
        text
    };
    let entries: Vec<_> = feed
        .children()
        .filter(|node| node.has_tag_name((ATOM, "entry")))
        .collect();
    assert_eq!(entries.len(), 50);
    assert_eq!(text(feed, "updated"), samples::at(99).to_string());
    // The newest first, each once, each with what the journal says.
    assert_eq!(text(entries[0], "title"), "]]>&<b> \u{fffd}\"'");
    let newest = world.journal.read(59, 1).unwrap().remove(0);
    assert_eq!(
        text(entries[1], "id"),
        format!(
            "urn:labelproof:alert:{}:{}",
            world.journal.mark().unwrap(),
            newest.alert().id()
        )
    );
    assert_eq!(text(entries[1], "updated"), newest.alert().at().to_string());
    assert_eq!(text(entries[1], "summary"), newest.alert().detail());
    let link = entries[1]
        .children()
        .find(|node| node.has_tag_name((ATOM, "link")))
        .unwrap();
    assert_eq!(
        world.get(link.attribute("href").unwrap()).body,
        newest.to_json() + "\n"
    );
    let mut ids: Vec<String> = entries.iter().map(|entry| text(*entry, "id")).collect();
    ids.push(text(feed, "id"));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 51);

    // Another monitor that tells the same shares none of them.
    let other = World::new();
    other.tell(1..=60);
    let other = other.get("/alerts.atom").body;
    assert!(ids.iter().all(|id| !other.contains(id)));

    // The list has its own; another list has nothing of it.
    let count = |path: &str| world.get(path).body.matches("<entry>").count();
    assert_eq!(
        (count("/feeds/recalls.atom"), count("/feeds/quiet.atom")),
        (50, 0)
    );

    let tag = answer.header("etag").unwrap().to_owned();
    let again = |tag: &str| {
        let headers = [("if-none-match", tag)];
        ask(world.server.address(), "GET", "/alerts.atom", &headers, b"").status
    };
    assert_eq!(again(&tag), 304);
    world.tell(61..=61);
    assert_eq!(again(&tag), 200);
}

#[test]
fn the_home_page_says_how_it_stands_and_obeys_no_alert() {
    let world = World::new();
    world
        .journal
        .append(vec![Alert::own_file(
            "<script>alert(1)</script>",
            samples::at(5),
        )])
        .unwrap();
    world.tell(1..=1);
    let page = world.get("/");
    for text in [
        "labels.g7.example",
        "<dd>9 entries</dd>",
        "(10 seconds ago)",
        "(1 second ago)",
        "jp 20 seconds ago</span> · <span class=\"day\">it never since the start</span>",
        "NOTHING WRONG",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<span class=\"badge unsure\">warning</span> <a href=\"/v1/alerts/2\"",
        "label.revoke jp.jc-star/EX-000001: vulnerability",
        "/feeds/recalls.atom",
    ] {
        assert!(page.body.contains(text), "{text} in {}", page.body);
    }
    assert!(!page.body.contains("<script"));
    assert!(
        page.header("content-security-policy")
            .unwrap()
            .starts_with("default-src 'none'")
    );
}

#[test]
fn the_home_page_says_of_a_log_that_it_misbehaved_or_is_not_seen() {
    let world = World::new();
    let put = |change: &dyn Fn(&mut board::Standing)| {
        let mut log = world.board.logs().remove(0);
        change(&mut log);
        world.board.put(log);
    };
    let says = |texts: &[&str]| {
        let page = world.get("/").body;
        for text in texts {
            assert!(page.contains(text), "{text} in {page}");
        }
        assert!(!page.contains("NOTHING WRONG"), "{page}");
    };
    put(&|log| log.downloaded = TreeSize::new(12));
    says(&["CATCHING UP", "3 entries wait to be verified."]);
    let observed = (
        samples::at(70),
        "too few witnesses cosign its heads".to_owned(),
    );
    put(&|log| log.observed = vec![observed.clone()]);
    says(&["NOT AS IT SHOULD BE", "Too few witnesses cosign its heads."]);
    put(&|log| log.blind = Some((samples::at(80), "its own clock <off>".to_owned())));
    says(&["BLIND", "its own clock &lt;off&gt;."]);
    let evidence = Alert::evidence(&samples::fork(), samples::at(5));
    world.journal.append(vec![evidence]).unwrap();
    says(&[
        "THIS LOG MISBEHAVED",
        "<a href=\"/v1/alerts/1\" rel=\"nofollow noopener\">alert 1</a>",
        "its own clock &lt;off&gt;.",
    ]);
}

#[test]
fn a_browser_gets_alerts_and_mistakes_as_pages() {
    let world = World::new();
    world.tell(1..=1);
    let evidence = Alert::evidence(&samples::fork(), samples::at(5));
    let evil = Alert::own_file("<script>alert(1)</script>", samples::at(5));
    world.journal.append(vec![evidence, evil]).unwrap();
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let page = |path: &str| ask(world.server.address(), "GET", path, &browser, b"");
    for (number, texts) in [
        (1, ["WARNING", "entry.tlog-proof", "c2sp.org/tlog-proof@v1"]),
        (2, ["CRITICAL", "fork.evidence", "labelproof-evidence/v1"]),
        (3, ["WARNING", "&lt;script&gt;", "own word"]),
    ] {
        let shown = page(&format!("/v1/alerts/{number}"));
        assert_eq!(shown.status, 200);
        assert_eq!(shown.header("vary"), Some("accept"));
        for text in texts {
            assert!(shown.body.contains(text), "{text} in {}", shown.body);
        }
        assert!(!shown.body.contains("<script"), "{}", shown.body);
        let line = world.get(&format!("/v1/alerts/{number}"));
        assert!(line.body.starts_with('{'), "{}", line.body);
    }
    for (path, status, text) in [
        ("/v1/alerts/4", 404, "There is nothing here; the routes"),
        ("/v1/alerts/x", 400, "is the number of an alert."),
        ("/v1/alerts?limit=0", 400, "from 1 to 1000."),
    ] {
        let shown = page(path);
        let kind = shown.header("content-type").unwrap();
        assert_eq!((shown.status, kind), (status, "text/html; charset=utf-8"));
        assert!(shown.body.contains(text), "{text} in {}", shown.body);
        let kind = world.get(path).header("content-type").unwrap().to_owned();
        assert_eq!(kind, "application/problem+json");
    }
}
