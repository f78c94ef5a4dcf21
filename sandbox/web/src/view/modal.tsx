// The form that an app asks a person to fill in.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ComponentType, type Component, type Modal } from "../discord/types.ts";
import { InteractionType } from "../state/acts.ts";
import { session } from "../state/session.ts";
import { Sheet } from "./bits.tsx";
import { isSelect, optionsOf } from "./components.tsx";
import { Markdown } from "./markdown.tsx";

/** The custom id under which the sending of a form is known. */
const SUBMIT = "modal";

/** Characters that a text of a form may have (Component Reference, "Text Input"). */
const MOST = 4000;

export function ModalView() {
  const acts = session.value?.acts;
  const open = acts?.modal.value;
  if (!acts || !open) return null;
  return <ModalForm key={open.form.id} form={open.form} />;
}

function ModalForm({ form }: { form: Modal }) {
  const acts = session.value!.acts;
  const sent = useSignal(false);
  const close = () => (acts.modal.value = null);
  const what = `${SUBMIT}:${form.id}`;
  const state = acts.all.value.find((it) => it.what === what);
  useEffect(() => {
    // Sent, and neither waiting nor failed any more: it was taken.
    if (sent.value && !state) close();
  }, [sent.value, state]);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (state?.state === "waiting") return;
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const open = acts.modal.value;
    const asking = acts.send({
      type: InteractionType.modal,
      application: form.application.id,
      channel: form.channel_id,
      guild: open?.guild,
      message: open?.message,
      what,
      data: { id: form.id, custom_id: form.custom_id, components: form.components.map((part) => answer(part, given)) },
    });
    sent.value = true;
    await asking;
  };
  return (
    <Sheet label={form.title} onClose={close} class="modal">
      <form onSubmit={submit}>
        <h2>{form.title}</h2>
        {form.components.map((part, at) => <Field key={at} part={part} />)}
        {state?.state === "failed" && (
          <p class="problem" role="alert">
            {state.error} Your text is still here.
          </p>
        )}
        <div class="sheet-actions">
          <button type="button" class="button secondary" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="button primary" aria-busy={state?.state === "waiting"}>
            Submit
          </button>
        </div>
      </form>
    </Sheet>
  );
}

/** A label with what belongs to it, or a row of the older form. */
function Field({ part }: { part: Component }) {
  if (part.type === ComponentType.text) return <Markdown text={part.content ?? ""} />;
  const input = part.component ?? part.components?.[0];
  if (!input) return null;
  const label = part.label ?? input.label ?? "";
  const id = `field-${input.custom_id}`;
  return (
    <div class="form-field">
      <label for={id}>
        {label}
        {input.required !== false && <span class="required"> *</span>}
      </label>
      {part.description && (
        <p class="quiet" id={`${id}-about`}>
          {part.description}
        </p>
      )}
      <Input input={input} id={id} about={part.description ? `${id}-about` : undefined} />
    </div>
  );
}

function Input({ input, id, about }: { input: Component; id: string; about?: string }) {
  const shared = { id, name: input.custom_id, required: input.required !== false, "aria-describedby": about };
  if (isSelect(input.type)) {
    return (
      <select class="select" multiple={(input.max_values ?? 1) > 1} {...shared}>
        {(input.max_values ?? 1) <= 1 && <option value="">{input.placeholder ?? "Make a selection"}</option>}
        {optionsOf(input).map((option) => (
          <option key={option.value} value={option.value} selected={option.default}>
            {option.label}
          </option>
        ))}
      </select>
    );
  }
  const text = {
    ...shared,
    placeholder: input.placeholder,
    minLength: input.min_length,
    maxLength: input.max_length ?? MOST,
    defaultValue: input.value ?? "",
  };
  return input.style === 2 ? <textarea rows={5} {...text} /> : <input type="text" autoComplete="off" {...text} />;
}

function answer(part: Component, given: FormData): unknown {
  const input = part.component ?? part.components?.[0];
  if (!input) return { type: part.type };
  const said = given.getAll(input.custom_id ?? "").map(String);
  const filled = isSelect(input.type)
    ? { type: input.type, custom_id: input.custom_id, values: said.filter(Boolean) }
    : { type: input.type, custom_id: input.custom_id, value: said[0] ?? "" };
  return part.component ? { type: part.type, component: filled } : { type: part.type, components: [filled] };
}
