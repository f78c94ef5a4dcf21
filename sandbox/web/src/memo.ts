// A component that is drawn again only when what it was given has changed.

import type { FunctionComponent } from "preact";
import { h } from "preact";
import { useMemo } from "preact/hooks";

export function memo<P extends object>(inner: FunctionComponent<P>): FunctionComponent<P> {
  return function Memo(props: P) {
    return useMemo(() => h(inner, props), Object.values(props));
  };
}
