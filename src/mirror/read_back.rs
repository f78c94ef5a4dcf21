//! Reading a channel back: what was sent is there, whoever lost the answer.

use std::collections::HashSet;

use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;

use super::ledger::Unwritten;
use crate::cards::Mark;
use crate::cards::chat::QUOTING;
use crate::cards::persona::below_heading;
use crate::discord::lanes::{Class, Lanes};
use crate::discord::rest::{Page, Request, RestError, Route};
use crate::model::{ApplicationId, ChannelId, DiscordMessageId, GuildId, UserId, WebhookId};
use crate::store::Store;

/// How far our clock, the database's and Discord's may be apart.
const CLOCK_SKEW: Duration = Duration::minutes(2);

/// Most messages of a page, and pages looked at.
const PAGE: u8 = 100;
const PAGES: usize = 10;

/// A message of ours that is in a channel.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its id.
    pub id: DiscordMessageId,
    /// Its text.
    pub content: String,
    /// Whether a webhook wrote it, and so perhaps an agent chose the words.
    pub by_webhook: bool,
}

/// Reads channels.
#[derive(Debug, Clone)]
pub struct Channels {
    /// The way to Discord.
    pub lanes: Lanes,
    /// The ledger.
    pub store: Store,
    /// Our application.
    pub application: ApplicationId,
    /// Our own account.
    pub bot: UserId,
    /// The server.
    pub guild: GuildId,
    /// Messages that are sent and not in the ledger yet.
    pub unwritten: Unwritten,
}

#[derive(Deserialize)]
struct Listed {
    id: DiscordMessageId,
    content: String,
    author: Author,
    #[serde(default)]
    webhook_id: Option<WebhookId>,
    #[serde(default)]
    application_id: Option<ApplicationId>,
}

#[derive(Deserialize)]
struct Threads {
    threads: Vec<Post>,
}

/// A thread; in a forum it has the id of its first message.
#[derive(Deserialize)]
struct Post {
    id: DiscordMessageId,
    #[serde(default)]
    parent_id: Option<ChannelId>,
    #[serde(default)]
    owner_id: Option<UserId>,
}

#[derive(Deserialize)]
struct Author {
    id: UserId,
}

impl Channels {
    /// Messages of ours in a channel since a time that the ledger does not know, oldest first.
    pub async fn unclaimed(
        &self,
        channel: ChannelId,
        since: DateTime<Utc>,
    ) -> anyhow::Result<Vec<Found>> {
        // Taken first: what is written to the ledger meanwhile is found there.
        let unwritten = self.unwritten.all();
        let mut after = DiscordMessageId::at(since - CLOCK_SKEW);
        let mut ours = Vec::new();
        for _ in 0..PAGES {
            let page = self.page(channel, after).await?;
            let full = page.len() == usize::from(PAGE);
            let newest = page.iter().map(|message| message.id).max();
            let ours_here = page.into_iter().filter(|m| self.is_ours(channel, m));
            ours.extend(ours_here.map(|m| Found {
                id: m.id,
                content: m.content,
                by_webhook: m.webhook_id.is_some(),
            }));
            match newest {
                Some(newest) if full => after = newest,
                _ => break,
            }
        }
        self.drop_known(&mut ours, &unwritten).await?;
        Ok(ours)
    }

    /// Leaves what the ledger does not know, oldest first.
    async fn drop_known(
        &self,
        ours: &mut Vec<Found>,
        unwritten: &HashSet<DiscordMessageId>,
    ) -> anyhow::Result<()> {
        let ids: Vec<_> = ours.iter().map(|found| found.id).collect();
        let known: HashSet<_> = self.store.known_messages(&ids).await?.into_iter().collect();
        ours.retain(|found| !known.contains(&found.id) && !unwritten.contains(&found.id));
        ours.sort_by_key(|found| found.id);
        Ok(())
    }

    /// Posts of ours in a forum since a time that the ledger does not know, by their first messages,
    /// oldest first.
    pub async fn unclaimed_posts(
        &self,
        forum: ChannelId,
        since: DateTime<Utc>,
    ) -> anyhow::Result<Vec<Found>> {
        let unwritten = self.unwritten.all();
        let after = DiscordMessageId::at(since - CLOCK_SKEW);
        let active = Route::active_threads(self.guild.get());
        let archived = Route::archived_public_threads(forum.get());
        let mut posts = self.get::<Threads>(active).await?.threads;
        posts.extend(self.get::<Threads>(archived).await?.threads);
        let ours = |post: &Post| {
            post.parent_id == Some(forum) && post.owner_id == Some(self.bot) && post.id > after
        };
        let found = posts.into_iter().filter(ours).map(|post| Found {
            id: post.id,
            content: String::new(),
            by_webhook: false,
        });
        let mut found: Vec<Found> = found.collect();
        self.drop_known(&mut found, &unwritten).await?;
        found.dedup_by_key(|post| post.id);
        for post in &mut found {
            let route = Route::get_message(post.id.get(), post.id.get());
            match self.get::<Listed>(route).await {
                Ok(first) => post.content = first.content,
                // Somebody has taken the message away.
                Err(error) if error.status() == Some(404) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, route: Route) -> Result<T, RestError> {
        let asked = self.lanes.submit(Class::Interactive, Request::new(route));
        asked.await.json().into_result()
    }

    async fn page(
        &self,
        channel: ChannelId,
        after: DiscordMessageId,
    ) -> Result<Vec<Listed>, RestError> {
        let route = Route::get_messages(channel.get(), Page::After(after.get()), PAGE);
        self.get(route).await
    }

    /// In a private channel with an agent's own bot, what that bot wrote is ours.
    fn is_ours(&self, channel: ChannelId, message: &Listed) -> bool {
        let bot = self.lanes.account(channel).unwrap_or(self.bot);
        message.author.id == bot
            || (message.webhook_id.is_some() && message.application_id == Some(self.application))
    }
}

/// Which of the found messages are the sent ones. Both are in the order of sending, so each takes
/// the first message that is left and bears its mark.
pub fn adopt(marks: &[Mark<'_>], found: &[Found]) -> Vec<Option<DiscordMessageId>> {
    let mut left: Vec<&Found> = found.iter().collect();
    marks
        .iter()
        .map(|mark| {
            let at = left.iter().position(|found| bears(found, *mark))?;
            Some(left.remove(at).id)
        })
        .collect()
}

fn bears(found: &Found, mark: Mark<'_>) -> bool {
    // Where no webhook speaks, the bot says who does.
    let said = below_heading(&found.content).filter(|_| !found.by_webhook);
    match mark {
        Mark::Whole(text) => {
            same(text, &found.content) || said.is_some_and(|said| same(text, said))
        }
        // An agent may write the first line of a card; only the bot writes cards.
        Mark::FirstLine(line) => {
            let theirs = found.content.lines().next().unwrap_or_default();
            !found.by_webhook && same(line, theirs)
        }
        Mark::Answer(text) => {
            let whole = said.unwrap_or(&found.content);
            let (first, rest) = whole.split_once('\n').unwrap_or_default();
            first.starts_with(QUOTING) && same(text, rest)
        }
        Mark::Beginning(text) => !found.by_webhook && begins(text, &found.content),
    }
}

/// Discord trims texts and drops characters that it does not like: what is left decides.
fn same(ours: &str, theirs: &str) -> bool {
    ours == theirs || visible(ours).eq(visible(theirs))
}

fn begins(ours: &str, theirs: &str) -> bool {
    let mut theirs = visible(theirs);
    visible(ours).all(|c| theirs.next() == Some(c))
}

fn visible(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .filter(|c| !c.is_whitespace() && !c.is_control() && *c != '\u{fe0f}')
}
