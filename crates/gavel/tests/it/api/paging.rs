//! Pages: how many rows, and where their neighbours are (contract, conventions §8).

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Server, text},
};

/// A list with so many entries, `000`, `001`, …
async fn filled(server: &Server, entries: usize) -> String {
    let list = server.list("paged", "custom", "key").await;
    for n in 0..entries {
        server.add(&list, &format!("{n:03}")).await;
    }
    format!("/v3/lists/{list}/entries/")
}

async fn page(server: &Server, path: &str) -> Value {
    server.client.get(path).await.ok(200)
}

fn rows(page: &Value) -> usize {
    page["results"].as_array().unwrap().len()
}

db_test!(limits_are_clamped_and_bad_ones_ignored, server => {
    let path = filled(&server, 30).await;
    let next = |limit: u64| json!(format!("{}{path}?limit={limit}&offset={limit}", server.url()));
    for (limit, shown) in [
        ("", 25), ("limit=", 25), ("limit=0", 25), ("limit=-1", 25), ("limit=x", 25), ("limit=1.5", 25), ("limit=%201", 25),
        ("limit=%2B5", 25), ("limit=7", 7), ("limit=007", 7), ("limit=3&limit=4", 4), ("limit=3&limit=", 25),
    ] {
        let page = page(&server, &format!("{path}?{limit}")).await;
        assert_eq!((rows(&page), &page["count"], &page["next"]), (shown, &json!(30), &next(shown as u64)), "{limit}");
    }
    for limit in ["200", "201", "99999999999999999999999999"] {
        assert_eq!(rows(&page(&server, &format!("{path}?limit={limit}")).await), 30, "{limit}");
    }
    for offset in ["", "-1", "x", "1.0"] {
        assert_eq!(page(&server, &format!("{path}?offset={offset}")).await["results"][0]["value"], "029", "{offset}");
    }
    server.stop().await;
});

db_test!(the_limit_in_links_is_the_clamped_one, server => {
    let path = filled(&server, 1).await;
    let page = page(&server, &format!("{path}?limit=5000&offset=300")).await;
    assert_eq!(page["previous"], json!(format!("{}{path}?limit=200&offset=100", server.url())));
    assert_eq!((rows(&page), &page["count"], &page["next"]), (0, &json!(1), &Value::Null));
    server.stop().await;
});

db_test!(links_lead_through_all_pages_and_back, server => {
    let path = filled(&server, 7).await;
    let mut at = format!("{}{path}?limit=3", server.url());
    let (mut seen, mut offsets) = (Vec::new(), Vec::new());
    loop {
        let page = page(&server, at.strip_prefix(&server.url()).unwrap()).await;
        seen.extend(page["results"].as_array().unwrap().iter().map(|entry| text(&entry["value"])));
        offsets.push(page["previous"].clone());
        match page["next"].as_str() {
            Some(next) => at = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["006", "005", "004", "003", "002", "001", "000"]);
    let link = |query: &str| json!(format!("{}{path}?{query}", server.url()));
    assert_eq!(offsets, [Value::Null, link("limit=3"), link("limit=3&offset=3")]);
    let uneven = page(&server, &format!("{path}?limit=3&offset=1")).await;
    assert_eq!((&uneven["previous"], &uneven["next"]), (&link("limit=3"), &link("limit=3&offset=4")));
    server.stop().await;
});

db_test!(links_keep_the_other_parameters, server => {
    let path = filled(&server, 3).await;
    let plain = path.trim_end_matches('/');
    let page = page(&server, &format!("{plain}?ordering=created_at&limit=1&search=00&offset=1&x=a%26b+c&x=%C3%A9")).await;
    let link = |rest: &str| json!(format!("{}{path}?ordering=created_at&search=00&x=a%26b+c&x=%C3%A9&{rest}", server.url()));
    assert_eq!((&page["next"], &page["previous"]), (&link("limit=1&offset=2"), &link("limit=1")));
    server.stop().await;
});

db_test!(beyond_the_end_there_is_nothing, server => {
    let path = filled(&server, 2).await;
    for offset in ["2", "1000000", "9223372036854775807", "18446744073709551616", "99999999999999999999999999"] {
        let page = page(&server, &format!("{path}?offset={offset}")).await;
        assert_eq!((rows(&page), &page["count"], &page["next"]), (0, &json!(2), &Value::Null), "{offset}");
    }
    server.stop().await;
});
