-- Few stand in one's way: thought to be a thousand, they were sought by reading all bookings, until a table that
-- grows was counted again.
ALTER FUNCTION blockers ROWS 5;
