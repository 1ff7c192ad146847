// Not of others: Preact, its hooks and HTM's templates through one door.
import { h } from "./core.js";
import htm from "./htm.js";

export { Component, render } from "./core.js";
export {
  useCallback, useEffect, useErrorBoundary, useLayoutEffect, useMemo, useReducer, useRef, useState,
} from "./hooks.js";

/** A template's elements, each made anew: those that HTM keeps hold on to every tree they were in. */
export const html = htm.bind(function element(...given) {
  this[0] = 3;
  return h(...given);
});
