-- Which master key wraps the keys of sealed content: the first node to start names it, before anything is sealed.
ALTER TABLE log.meta ADD COLUMN master text;
