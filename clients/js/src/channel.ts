// Channels: what others send, and who is there.

import type { Hub } from './live/hub.js';
import type { Holder, Topic } from './live/topic.js';
import { safely } from './safely.js';
import type { Channel, Member } from './types.js';

/** Makes a channel of a name such as `photo/ID`. */
export function channel<D>(hub: Hub, name: string): Channel<D> {
  const text = `channel/${name}`;
  let joined: { topic: Topic; holder: Holder } | undefined;
  const leave = () => {
    if (joined) hub.release(joined.topic, joined.holder);
    joined = undefined;
  };
  return {
    join({ onMessage, onPresence, onError }) {
      leave();
      let members: Topic['members'] | undefined;
      const holder: Holder = {
        message: ({ data, from }) => {
          if (data !== undefined) safely(() => onMessage?.(data as D, (from as Member | undefined) ?? null));
        },
        changed: () => {
          const now = joined?.topic.members;
          if (!now || now === members) return;
          members = now;
          safely(() => onPresence?.(now));
        },
        failed: (error) => safely(() => onError?.(error)),
      };
      joined = { topic: hub.hold(text, holder), holder };
      if (joined.topic.ready) holder.changed!();
      else members = joined.topic.members;
    },
    send: (data) => (hub.uplink ? hub.uplink.send(text, data) : Promise.reject(new Error('the client is closed'))),
    leave,
  };
}
