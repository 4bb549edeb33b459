SELECT count(*) FROM items_clone(ARRAY(SELECT id FROM reg.item WHERE collection_id = 'many' ORDER BY id), actor => 'ada');
