//! What is on display and not true any more is changed, or taken away.

use serde_json::json;

use super::{Hands, MISSING_PERMISSIONS, Next, judge, sent, without_files};
use crate::cards::Draft;
use crate::discord::lanes::Class;
use crate::discord::rest::{Outcome, Request, RestError, Route, WebhookKey};
use crate::mirror::request::{self, Means};
use crate::mirror::threads::ARCHIVED;
use crate::model::task::ThreadNews;
use crate::model::view::{EntityKind, Surface, View, ViewAuthor};
use crate::store::ledger::SettledAs;

/// Discord's code for a message that is gone (source: its Opcodes page).
const UNKNOWN_MESSAGE: u32 = 10_008;

impl Hands {
    pub(super) async fn edit(
        &self,
        surface: &Surface,
        view: &View,
        draft: &Draft,
        row_version: String,
    ) -> Option<SettledAs> {
        let message = view.message?;
        if self.is_elsewhere(surface, view) {
            let error = "it stands where nothing is shown any more".to_owned();
            return Some(lost(view, error, row_version));
        }
        let webhook = self.own_webhook(surface, view);
        if webhook.is_none() && self.lacks_webhooks(surface, view) {
            // Nobody but its webhook may change it, and that one is out of reach.
            return None;
        }
        let shown = view.hash.as_deref();
        let layout = self.layout.borrow().clone();
        let means = Means::of_bot(&layout, &view.key, view.channel);
        let draft = match webhook {
            None => means.fit(draft),
            Some(_) => draft,
        };
        let place = (view.channel, message);
        let request = request::edit(webhook.as_ref(), place, draft, shown, means);
        let error = match self.submit_as(Class::Edit, request).await.done() {
            Outcome::Sent(()) => {
                return Some(sent(view.channel, message, draft, row_version, view.author));
            }
            Outcome::NotSent(error) | Outcome::Unknown(error) => error,
        };
        if error.code() == Some(ARCHIVED) && self.wake(surface, view).await {
            return Box::pin(self.edit(surface, view, draft, row_version)).await;
        }
        if let Some(smaller) = without_files(draft, &error) {
            return Box::pin(self.edit(surface, view, smaller, row_version)).await;
        }
        tracing::warn!(%surface, %error, "a message in {surface} could not be edited: {error}");
        if view.author == ViewAuthor::Webhook && error.status() == Some(404) {
            // Only the webhook that wrote a message may edit it. Where that is gone and the message is not, another
            // takes its place; a message that a person has removed stays away.
            let request = request::delete(None, view.channel, message);
            match self.submit_as(Class::Edit, request).await.done() {
                Outcome::Sent(()) => return Some(SettledAs::Missing),
                Outcome::NotSent(error) if error.status() == Some(404) => {}
                Outcome::NotSent(_) | Outcome::Unknown(_) => return None,
            }
        }
        self.note_refusal(view, &error);
        if error.code() == Some(UNKNOWN_MESSAGE) || matches!(judge(&error), Next::AfterRepair) {
            return Some(lost(view, error.to_string(), row_version));
        }
        matches!(judge(&error), Next::GiveUp).then(|| {
            let error = error.to_string();
            SettledAs::Failed { error, row_version }
        })
    }

    /// Whether a message stands in a channel that was that of its surface once. Threads are known by their tasks.
    fn is_elsewhere(&self, surface: &Surface, view: &View) -> bool {
        let layout = self.layout.borrow();
        let of_tasks = matches!(surface, Surface::Task(_) | Surface::Tasks);
        !of_tasks && layout.on_or_off(view.channel).as_ref() != Some(surface)
    }

    /// Takes the thread of a message out of the archive: nothing in there can be changed. It goes back
    /// by itself where nothing more happens. Gives back whether that worked.
    async fn wake(&self, surface: &Surface, view: &View) -> bool {
        let request = Request::new(Route::modify_channel(view.channel.get()))
            .json(&json!({ "archived": false }));
        let woken = self.submit_as(Class::Edit, request).await.done();
        if let Some(error) = woken.error() {
            tracing::warn!(%surface, %error, "an archived thread stays as it is: {error}");
            return false;
        }
        // Whoever archives it in this moment may write that down later than it is open again. Nobody
        // listens only while the process ends.
        let _ = self.threads.send(ThreadNews::Doubtful(view.channel));
        true
    }

    pub(super) async fn delete(&self, surface: &Surface, view: &View) -> Option<SettledAs> {
        let message = view.message?;
        let webhook = self.own_webhook(surface, view);
        let request = request::delete(webhook.as_ref(), view.channel, message);
        let mut outcome = self.submit_as(Class::Edit, request).await.done();
        let lost = |error: &RestError| error.status() == Some(404);
        if webhook.is_some() && outcome.error().is_some_and(lost) {
            // A webhook does not find what another wrote; the bot may remove anything.
            let request = request::delete(None, view.channel, message);
            outcome = self.submit_as(Class::Edit, request).await.done();
        }
        match outcome {
            Outcome::Sent(()) => Some(SettledAs::Released),
            Outcome::NotSent(error) if lost(&error) => Some(SettledAs::Released),
            // What a person wrote stays where nobody is let delete it.
            Outcome::NotSent(error)
                if view.author == ViewAuthor::Person
                    && error.status() == Some(403)
                    && error.code() != Some(MISSING_PERMISSIONS) =>
            {
                Some(SettledAs::Released)
            }
            Outcome::NotSent(error) | Outcome::Unknown(error) => {
                tracing::warn!(%surface, %error, "a message in {surface} could not be deleted: {error}");
                self.note_refusal(view, &error);
                None
            }
        }
    }

    /// What the bot may not do now is not tried at every look.
    fn note_refusal(&self, view: &View, error: &RestError) {
        if matches!(judge(error), Next::Forbidden) {
            let layout = self.layout.borrow().clone();
            self.refusals.note(view.key.clone(), layout);
            self.repair.notify_one();
        }
    }

    /// Whether a webhook wrote a view, and the bot may not ask for it.
    fn lacks_webhooks(&self, surface: &Surface, view: &View) -> bool {
        let layout = self.layout.borrow();
        let channel = layout.at(surface);
        view.author == ViewAuthor::Webhook
            && channel.is_some_and(|channel| {
                channel.webhook.is_none() && !layout.may_speak_for_agents(channel.id)
            })
    }

    /// The webhook of a view's channel, where a webhook is its author.
    fn own_webhook(&self, surface: &Surface, view: &View) -> Option<WebhookKey> {
        let layout = self.layout.borrow();
        let channel = layout.at(surface)?;
        (view.author == ViewAuthor::Webhook && channel.id == view.channel)
            .then(|| channel.webhook.clone())
            .flatten()
    }
}

/// What is gone shows nothing new. A post of several rows is not tried anew for another version of them:
/// what it has not shown gets another place.
fn lost(view: &View, error: String, row_version: String) -> SettledAs {
    if view.key.entity.kind == EntityKind::ActivityPost {
        SettledAs::Gone { error }
    } else {
        SettledAs::Failed { error, row_version }
    }
}
