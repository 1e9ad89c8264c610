use super::*;
use crate::memory::MemoryTable;

#[tokio::test]
async fn words_of_any_amount_are_saved_and_loaded_again() {
    let table = MemoryTable::new();
    let integration = IntegrationId::parse("psa").unwrap();
    let now: Timestamp = "2026-11-20T20:00:00Z".parse().unwrap();
    for (nth, count) in [1, 100, 20_000].into_iter().enumerate() {
        let run = RunId::new(&integration, &format!("run{nth}"));
        let mut words = Words::default();
        (0..count).for_each(|id| words.set("products", id.to_string(), format!("Ünit {id} ❄")));
        let pieces = save_words(&table, &run, &words, now).await.unwrap();
        assert_eq!(pieces > 1, count == 20_000);
        assert_eq!(load_words(&table, &run, pieces).await.unwrap(), words);
        let mut fewer = Words::default();
        fewer.set("products", "1", "one");
        let pieces = save_words(&table, &run, &fewer, now).await.unwrap();
        assert_eq!(load_words(&table, &run, pieces).await.unwrap(), fewer, "what is left of earlier pieces is nothing");
    }
}
