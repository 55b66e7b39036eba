// The parts that pages are made of.
export { Icon, Logo, type IconName } from './icons';
export { StateMark, VerdictMark, refused, state, verdict, type Tone } from './marks';
export { Toasts, toast } from './toast';
export { Button, Chip, Choice, IconButton, Snippet, Where, copy, type Option } from './press';
export { Table, type Column } from './table';
export { Check, Field, Search, type FieldControl } from './form';
export { Confirm, Dialog } from './dialog';
export { Ago, Bones, Empty, ErrorNote, Note, Ready, Stale } from './notes';
export { useNow } from './now';
