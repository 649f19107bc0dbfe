//! Deliveries: one webhook request each, remembered so that it is dealt with once.

use super::each;
use super::schema::deliveries;
use super::types::{Db, Id, Json, Time, Word, text};
use anyhow::Result;
use diesel::prelude::*;
use domain::delivery::{Delivery, Provider};
use domain::id::DeliveryId;
use domain::message::Decision;

#[derive(Insertable)]
#[diesel(table_name = deliveries)]
struct Row<'a> {
    id: Id,
    provider: Word<Provider>,
    transport_id: Option<&'a str>,
    semantic_key: &'a str,
    event: &'a str,
    received_at: Time,
    payload: Option<&'a [u8]>,
}

/// What the table says of a delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum Remembered {
    /// It is new, and now it is kept.
    New,
    /// This very delivery was handed over before; what was decided then, if that was known.
    Again(Option<Decision>),
    /// Another delivery said the same; by which of the two keys it was known.
    Duplicate(&'static str),
}

/// Keeps a delivery, with its raw payload as it was compressed, unless it is known.
///
/// # Errors
/// When the database fails.
pub fn remember(db: &mut Db, delivery: &Delivery, payload: Option<&[u8]>) -> Result<Remembered> {
    let transport_id = delivery.transport_id.as_deref().map(text);
    let (semantic_key, event) = (text(&delivery.semantic_key), text(&delivery.event));
    let row = Row {
        id: delivery.id.into(),
        provider: Word(delivery.provider),
        transport_id: transport_id.as_deref(),
        semantic_key: &semantic_key,
        event: &event,
        received_at: delivery.received_at.into(),
        payload,
    };
    let insert = diesel::insert_into(deliveries::table)
        .values(row)
        .on_conflict_do_nothing();
    if each!(db, c => insert.execute(c))? == 1 {
        return Ok(Remembered::New);
    }
    let known: Option<Option<Json>> = deliveries::table
        .find(Id::from(delivery.id))
        .select(deliveries::decision)
        .first(db)
        .optional()?;
    if let Some(decision) = known {
        return Ok(Remembered::Again(decision.map(|json| json.read()).transpose()?));
    }
    let same_transport = match transport_id {
        Some(id) => diesel::select(diesel::dsl::exists(
            deliveries::table
                .filter(deliveries::provider.eq(Word(delivery.provider)))
                .filter(deliveries::transport_id.eq(id)),
        ))
        .get_result::<bool>(db)?,
        None => false,
    };
    Ok(Remembered::Duplicate(if same_transport {
        "transport id"
    } else {
        "semantic key"
    }))
}

/// Writes down what was decided.
///
/// # Errors
/// When the database fails.
pub fn decided(db: &mut Db, id: DeliveryId, decision: &Decision) -> Result<()> {
    diesel::update(deliveries::table.find(Id::from(id)))
        .set(deliveries::decision.eq(Json::of(decision)?))
        .execute(db)?;
    Ok(())
}

/// When a delivery reached us.
///
/// # Errors
/// When the database fails.
pub fn received_at(db: &mut Db, id: Id) -> QueryResult<Option<Time>> {
    deliveries::table
        .find(id)
        .select(deliveries::received_at)
        .first(db)
        .optional()
}

/// Forgets what was received before `before`, in one batch of at most `limit`, except what a job came of. Returns how many.
///
/// # Errors
/// When the database fails.
pub fn forget(db: &mut Db, before: Time, limit: i64) -> QueryResult<usize> {
    use super::schema::jobs;
    let old: Vec<Id> = deliveries::table
        .filter(deliveries::received_at.lt(before))
        .filter(diesel::dsl::not(diesel::dsl::exists(
            jobs::table.filter(jobs::delivery_id.eq(deliveries::id.nullable())),
        )))
        .order(deliveries::received_at)
        .limit(limit)
        .select(deliveries::id)
        .load(db)?;
    if old.is_empty() {
        return Ok(0);
    }
    diesel::delete(deliveries::table.filter(deliveries::id.eq_any(old))).execute(db)
}
