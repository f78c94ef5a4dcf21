// What the page reads of Discord's objects (API v10). Ids are snowflakes in decimal.

export type Snowflake = string;

export interface User {
  id: Snowflake;
  username: string;
  global_name?: string | null;
  discriminator?: string;
  avatar?: string | null;
  bot?: boolean;
}

export interface Member {
  user?: User;
  nick?: string | null;
  roles: Snowflake[];
}

export interface Role {
  id: Snowflake;
  name: string;
  color: number;
  hoist: boolean;
  position: number;
  permissions: string;
}

export interface Overwrite {
  id: Snowflake;
  /** 0: role, 1: member. */
  type: 0 | 1;
  allow: string;
  deny: string;
}

/** Kinds of channels that the page knows. */
export const ChannelType = {
  text: 0,
  dm: 1,
  category: 4,
  announcement: 5,
  announcementThread: 10,
  publicThread: 11,
  privateThread: 12,
  forum: 15,
} as const;

export interface ForumTag {
  id: Snowflake;
  name: string;
  emoji_name?: string | null;
}

export interface Channel {
  id: Snowflake;
  type: number;
  guild_id?: Snowflake;
  name?: string | null;
  topic?: string | null;
  parent_id?: Snowflake | null;
  position?: number;
  last_message_id?: Snowflake | null;
  permission_overwrites?: Overwrite[];
  recipients?: User[];
  owner_id?: Snowflake;
  message_count?: number;
  applied_tags?: Snowflake[];
  available_tags?: ForumTag[];
  thread_metadata?: { archived: boolean; locked: boolean; archive_timestamp?: string };
}

export interface Guild {
  id: Snowflake;
  name: string;
  owner_id: Snowflake;
  roles: Role[];
  members: Member[];
  channels: Channel[];
  threads: Channel[];
  presences: Presence[];
}

export interface Presence {
  user: { id: Snowflake };
  status: string;
  activities: { name?: string; type?: number; state?: string }[];
}

export interface Attachment {
  id: Snowflake;
  filename: string;
  size: number;
  url: string;
  content_type?: string;
  width?: number | null;
  height?: number | null;
  description?: string;
}

export interface Embed {
  title?: string;
  description?: string;
  url?: string;
  color?: number;
  timestamp?: string;
  author?: { name: string; url?: string };
  footer?: { text: string };
  fields?: { name: string; value: string; inline?: boolean }[];
  image?: { url: string };
  thumbnail?: { url: string };
}

export interface PartialEmoji {
  id?: Snowflake | null;
  name?: string | null;
}

export interface Reaction {
  emoji: PartialEmoji;
  count: number;
  me: boolean;
}

/** Kinds of components (Component Reference). */
export const ComponentType = {
  row: 1,
  button: 2,
  stringSelect: 3,
  textInput: 4,
  userSelect: 5,
  roleSelect: 6,
  mentionableSelect: 7,
  channelSelect: 8,
  section: 9,
  text: 10,
  container: 17,
  label: 18,
} as const;

export interface SelectOption {
  label: string;
  value: string;
  description?: string;
  emoji?: PartialEmoji;
  default?: boolean;
}

export interface Component {
  type: number;
  id?: number;
  custom_id?: string;
  style?: number;
  label?: string;
  description?: string;
  emoji?: PartialEmoji;
  url?: string;
  disabled?: boolean;
  placeholder?: string;
  options?: SelectOption[];
  default_values?: { id: string; type: string }[];
  /** Kinds of channels that a list offers. */
  channel_types?: number[];
  min_values?: number;
  max_values?: number;
  components?: Component[];
  component?: Component;
  accessory?: Component;
  content?: string;
  accent_color?: number;
  value?: string;
  required?: boolean;
  min_length?: number;
  max_length?: number;
}

/** Bits of `flags` of a message. */
export const MessageFlag = {
  ephemeral: 1 << 6,
  loading: 1 << 7,
} as const;

export interface Message {
  id: Snowflake;
  channel_id: Snowflake;
  guild_id?: Snowflake;
  type: number;
  author: User;
  member?: Member;
  content: string;
  timestamp: string;
  edited_timestamp?: string | null;
  mention_everyone?: boolean;
  mentions?: User[];
  mention_roles?: Snowflake[];
  attachments: Attachment[];
  embeds: Embed[];
  components?: Component[];
  reactions?: Reaction[];
  pinned?: boolean;
  flags?: number;
  nonce?: string | number;
  webhook_id?: Snowflake;
  application_id?: Snowflake;
  interaction_metadata?: { id: Snowflake; type: number; user: User; name?: string };
  message_reference?: { message_id?: Snowflake; channel_id?: Snowflake };
  referenced_message?: Message | null;
  thread?: Channel;
}

/** Kinds of options of a command. */
export const OptionType = {
  sub: 1,
  group: 2,
  string: 3,
  integer: 4,
  boolean: 5,
  user: 6,
  channel: 7,
  role: 8,
  mentionable: 9,
  number: 10,
  attachment: 11,
} as const;

export interface Choice {
  name: string;
  value: string | number;
}

export interface CommandOption {
  type: number;
  name: string;
  description: string;
  required?: boolean;
  autocomplete?: boolean;
  choices?: Choice[];
  options?: CommandOption[];
  min_value?: number;
  max_value?: number;
  min_length?: number;
  max_length?: number;
}

export interface Command {
  id: Snowflake;
  application_id: Snowflake;
  version: Snowflake;
  /** 1: slash command, 2: menu of a user, 3: menu of a message. */
  type: number;
  name: string;
  description: string;
  options?: CommandOption[];
}

/** `INTERACTION_MODAL_CREATE`. */
export interface Modal {
  id: Snowflake;
  nonce?: string;
  custom_id: string;
  title: string;
  components: Component[];
  channel_id: Snowflake;
  application: { id: Snowflake; name?: string };
}
